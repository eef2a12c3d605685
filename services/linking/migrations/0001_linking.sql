-- The register of bindings and linking codes, and the read models that it needs of other services' states.
-- A read model has no foreign keys: states arrive in any order.

-- Everything here that identifies a person and may be overwritten to erase one.
create table people (
    kind text not null check (kind in ('account', 'contact')),
    id uuid not null,
    email text,
    given_name text not null,
    family_name text not null,
    language text not null check (language in ('fr', 'en')),
    primary key (kind, id)
);

-- accounts.people, without the person.
create table accounts (
    account_id uuid primary key,
    version bigint not null,
    status text not null check (status in ('active', 'deactivated'))
);

-- authorizations.organizations.
create table organizations (
    organization_id uuid primary key,
    version bigint not null,
    number text not null,
    name text not null,
    active boolean not null
);

-- authorizations.contacts, without the person. A code is owed while `generation`, which authorizations raises, is
-- above `settled_generation`, the last one that was issued here or needed no code because the contact was linked.
create table contacts (
    contact_id uuid primary key,
    version bigint not null,
    organization_id uuid not null,
    client_number text not null,
    functions jsonb not null,   -- [{type, starts_on, ends_on}], inclusive dates
    manages jsonb not null,     -- [{starts_on, ends_on}]
    generation integer not null,
    settled_generation integer not null default 0
);
create index on contacts (client_number);
create index on contacts (organization_id);
create index on contacts (organization_id) where generation > settled_generation;

-- A code in clear stands only in the mail. The newest row of a contact is the one that is compared.
create table linking_codes (
    contact_id uuid not null,
    generation integer not null,
    digest text not null,
    issued_at timestamptz not null,
    expires_at timestamptz not null check (expires_at > issued_at),
    ended_at timestamptz,
    ended_by text check (ended_by in ('redeemed', 'replaced', 'address_changed')),
    primary key (contact_id, generation),
    check ((ended_at is null) = (ended_by is null))
);
create unique index one_code_per_contact on linking_codes (contact_id) where ended_at is null;

-- From linked_at until unlinked_at the account is the contact. Rows are ended, never deleted.
create table bindings (
    link_id uuid primary key,
    account_id uuid not null,
    contact_id uuid not null,
    organization_id uuid not null,
    method text not null,
    linked_at timestamptz not null,
    unlinked_at timestamptz check (unlinked_at >= linked_at)
);
create unique index one_account_per_contact on bindings (contact_id) where unlinked_at is null;
create unique index one_contact_per_account_and_organization on bindings (account_id, organization_id)
    where unlinked_at is null;
