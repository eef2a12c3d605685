-- By which of the agency's doors an account was asked for; null, as for accounts of before: by the first one.
alter table registrations add column door text;
alter table accounts add column door text;

-- Whom a door's issuer knows under which account; who is here signs in there, and has no password.
create table door_identities (
    issuer text not null,
    subject text not null,
    account_id uuid not null unique references accounts,
    primary key (issuer, subject)
);

-- ID tokens that signed somebody in; none does so twice.
create table spent_id_tokens (
    digest bytea primary key,
    expires_at timestamptz not null
);
create index on spent_id_tokens (expires_at);
