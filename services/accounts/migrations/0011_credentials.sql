-- Accounts that the agency opens for a person: a user name of their own, and a password that works once.

create table user_names (
    user_name text primary key,         -- as it is compared; given once, whatever becomes of its account
    account_id uuid not null unique references accounts
);

alter table accounts
    add column temporary_until timestamptz; -- not null: the password is a temporary one, which works once until then

create table credentials (
    contact_id uuid primary key,
    generation integer not null,            -- the last that was seen to: an older one does nothing
    account_id uuid references accounts     -- which it gave the contact
);
create index on credentials (account_id);
