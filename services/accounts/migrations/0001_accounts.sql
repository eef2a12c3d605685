-- Ids, digests, counters and dates. What identifies a person stands in `people` alone, so that it can be erased.

create table people (
    account_id uuid primary key,        -- drawn by the registration; an account of this id may never open
    email text not null,                -- as typed: mail goes there
    email_key text not null,            -- for comparing: two spellings of one address have the same key
    given_name text not null,
    family_name text not null,
    language text not null check (language in ('fr', 'en')),
    opened bool not null default false
);
create unique index people_one_account_per_address on people (email_key) where opened;

create table registrations (
    registration_id uuid primary key,
    account_id uuid not null unique,
    registered_at timestamptz not null,
    terms_version text not null,
    password_hash text,                 -- moves to the account when it opens
    code_digest text not null,          -- keyed; for a known address, of a text that is no code
    code_expires_at timestamptz not null,
    resend_after timestamptz not null,
    tries integer not null default 0,   -- counted before the code is compared; a new code resets nothing
    verified_at timestamptz
);
create index on registrations (registered_at);

create table accounts (
    account_id uuid primary key,
    status text not null check (status in ('active', 'deactivated')),
    status_since timestamptz not null,
    epoch integer not null,             -- rises when every session ends at once
    version integer not null,           -- of the state that accounts.people carries
    password_hash text not null,
    terms_version text not null,
    terms_accepted_at timestamptz not null,
    opened_at timestamptz not null
);

create table sessions (
    session_id uuid primary key,
    account_id uuid not null references accounts,
    epoch integer not null,             -- the account's when the session opened
    opened_at timestamptz not null,
    last_used_at timestamptz not null,
    expires_at timestamptz not null,
    ended_at timestamptz
);
create index on sessions (account_id) where ended_at is null;

create table refresh_tokens (
    digest bytea primary key,
    session_id uuid not null references sessions,
    issued_at timestamptz not null,
    used_at timestamptz
);
create index on refresh_tokens (session_id);

create table signing_keys (
    kid text primary key,
    public_jwk jsonb not null,
    private_jwk text not null,          -- encrypted to the service's own storage key
    created_at timestamptz not null     -- the newest signs, all are published
);
