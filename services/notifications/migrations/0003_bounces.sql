-- What comes back: which address a mail went to, as a keyed digest, and the addresses that we no longer write to.

alter table mails
    add column address_digest bytea, -- of the address, set when the seal is opened to send; outlives the seal
    drop constraint mails_state_check,
    add constraint mails_state_check
        check (state in ('accepted', 'deferred', 'sent', 'bounced', 'expired', 'suppressed'));

create index mails_failures on mails (address_digest, state_at) where state = 'bounced';

create table suppressions (
    suppression_id uuid primary key,
    address_digest bytea not null,
    reason text not null check (reason in ('no_such_address', 'repeated_failures', 'complaint')),
    status text,                    -- enhanced status code (RFC 3463); null for a complaint
    delivery_id uuid not null,      -- the mail that came back
    recipient_id uuid not null,     -- whose address it was then
    since timestamptz not null,
    released_at timestamptz,        -- an agent let mails go there again; earlier failures no longer count
    unique (delivery_id, reason)    -- a report that comes again after a release suppresses nothing
);

create unique index suppressions_in_force on suppressions (address_digest) where released_at is null;
create index suppressions_released on suppressions (address_digest, released_at) where released_at is not null;
create index suppressions_listed on suppressions (since desc, suppression_id) where released_at is null;
create index suppressions_recipient on suppressions (recipient_id) where released_at is null;
