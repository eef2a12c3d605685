-- User name and password of an agency's old system, good once to link every contact that they stood for.

-- Of the number; null until the organization's next state arrives, and then no file that names a kind is missed.
alter table organizations add kind text;

-- The first of the links that one redemption made; null where it is the row's own.
alter table bindings add redemption_id uuid;
create index on bindings (redemption_id) where redemption_id is not null;

-- A code also ends when its contact is linked in another way.
alter table linking_codes
    drop constraint linking_codes_ended_by_check,
    add constraint linking_codes_ended_by_check
        check (ended_by in ('redeemed', 'linked', 'replaced', 'address_changed', 'forgotten'));

-- Imported hashes, each as Argon2id over the imported digest, then keyed: neither the user name, nor the imported hash,
-- nor a digest that could be tried without this service's keyring stands anywhere. Rows are deleted once redeemed.
create table former_credentials (
    credential_id uuid primary key,
    method text not null,
    user_name bytea not null,  -- keyed digest
    imported_at timestamptz not null,
    scheme text not null check (scheme in ('salted', 'pbkdf2', 'bcrypt')),
    function text not null,
    salt bytea not null,
    cost integer not null,
    length integer not null,
    stretch_salt bytea not null,
    stretch_memory integer not null,  -- KiB
    stretch_passes integer not null,
    digest text not null,
    unique (method, user_name)
);

create table former_credential_files (
    credential_id uuid not null references former_credentials on delete cascade,
    client_number text not null,
    organization_kind text,
    organization_number text,  -- null: the client's file in whichever organization has one
    check ((organization_kind is null) = (organization_number is null))
);
create index on former_credential_files (credential_id);

-- A user name is redeemed once, also one that a directory confirms, and one that is imported again.
create table former_redemptions (
    method text not null,
    user_name bytea not null,  -- keyed digest
    account_id uuid not null,
    redeemed_at timestamptz not null,
    primary key (method, user_name)
);
