-- Credentials that accounts is to give contacts (services/authorizations/credentials/).

alter table contacts
    add credential_generation integer not null default 0;   -- that of the contact's row in `credentials`; 0: it has none

create table credentials (
    contact_id uuid primary key references contacts,
    generation integer not null,
    halves text[] not null,         -- what goes out with it
    addresses text not null,        -- to whom and about what, sealed to accounts
    own_addresses text not null     -- the same, sealed to this service: an agent sees and corrects one of them
);

-- The last mail of each half, as accounts tells of it. What became of a mail may be told first (mail_deliveries).
create table credential_deliveries (
    contact_id uuid not null,
    half text not null check (half in ('user_name', 'temporary_password')),
    generation integer not null,
    delivery_id uuid not null unique,
    primary key (contact_id, half)
);

create index requests_bounce on requests (((asked ->> 'contact_id')::uuid)) where reason = 'bounce';
