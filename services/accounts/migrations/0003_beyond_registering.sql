-- Terms accepted again, passwords reset, addresses changed, accounts that nobody ever linked.

create table terms_acceptances (
    account_id uuid not null references accounts,
    terms_version text not null,
    accepted_at timestamptz not null,
    primary key (account_id, terms_version)
);
insert into terms_acceptances (account_id, terms_version, accepted_at)
select account_id, terms_version, terms_accepted_at from accounts;

alter table accounts
    add column unlinked_since timestamptz,  -- since when it could have been linked and never was; else null, also for
                                            -- accounts of before this column, of whose links nobody here knows
    add column lapse_told_at timestamptz,   -- when its person was told that it will lapse
    add column deactivated_because text check (deactivated_because in ('closed', 'by_agent', 'never_linked')),
    add constraint accounts_deactivated_for_a_reason check ((status = 'active') = (deactivated_because is null));
create index accounts_never_linked on accounts (unlinked_since) where unlinked_since is not null and status = 'active';

create table password_resets (
    reset_id uuid primary key,
    account_id uuid references accounts,    -- null: no active account has the address
    address bytea not null,                 -- keyed digest of what was typed: tries are counted by it, known or not
    requested_at timestamptz not null,
    code_digest text not null,              -- keyed; without an account, of a text that is no code
    code_expires_at timestamptz not null,
    tries integer not null default 0,       -- counted before the code is compared
    closed_at timestamptz                   -- used, or overtaken by another reset or a change of address
);
create index on password_resets (requested_at);
create index on password_resets (account_id) where closed_at is null;

-- `people` holds a row under the id of each change too, with the other address: the new one until it is verified, from
-- then on the former one, which may take the account back.
create table email_changes (
    change_id uuid primary key,
    account_id uuid not null references accounts,
    requested_at timestamptz not null,
    code_digest text not null,              -- keyed; for an address that is taken, of a text that is no code
    code_expires_at timestamptz not null,
    tries integer not null default 0,       -- counted before the code is compared
    changed_at timestamptz,
    undo_digest bytea unique,               -- of 128 random bits, which need no key
    undo_until timestamptz,
    closed_at timestamptz                   -- undone, or void because an earlier one was
);
create index on email_changes (account_id);
create index on email_changes (requested_at);
