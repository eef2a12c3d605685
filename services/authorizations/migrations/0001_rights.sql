-- Organizations, contacts, dated relations and rights (docs/architecture/rights.md). Ids are UUIDv7 made by the service.

-- Trusted extensions: the owner of the database may make them.
create extension if not exists btree_gist;
create extension if not exists unaccent;

create type level as enum ('read', 'write');  -- in this order: least() of two levels is the lower one

create table organizations (
    organization_id uuid primary key,
    kind text not null,
    number text not null,
    sequence bigint not null default 0,  -- of its events
    version integer not null default 0,  -- of its state
    unique (kind, number)
);

create table contacts (
    contact_id uuid primary key,
    organization_id uuid not null references organizations,
    client_number text not null,
    linking_code_generation integer not null default 0,
    version integer not null default 0,
    unique (organization_id, client_number)
);
create index on contacts (client_number);

-- The one table with personal fields: of organizations, contacts and accounts. Erasing a person overwrites one row.
create table personal_fields (
    owner_id uuid primary key,
    legal_name text,
    trade_names text[] not null default '{}',
    family_name text,
    given_name text,
    email text,
    telephones jsonb not null default '[]',
    language text not null
);

-- Whether an organization is active at the agency, whether an account is active: dated, because `at` asks.
create table statuses (
    owner_id uuid not null,
    active bool not null,
    during tstzrange not null check (not isempty(during)),
    recorded tstzrange not null,
    exclude using gist (owner_id with =, during with &&) where (upper_inf(recorded))
);
create index on statuses (owner_id) where upper_inf(recorded);

create table account_versions (
    account_id uuid primary key,
    version integer not null
);

-- Counts within the agency's range of client numbers.
create sequence client_numbers;

create table bindings (
    link_id uuid not null,
    version integer not null,
    account_id uuid not null,
    contact_id uuid not null,
    during tstzrange not null check (not isempty(during)),
    recorded tstzrange not null,
    primary key (link_id, version),
    -- One account per contact at a time. linking tells of links and unlinks of one contact in order.
    exclude using gist (contact_id with =, during with &&) where (upper_inf(recorded))
);
create index on bindings (account_id) include (contact_id) where upper_inf(recorded);
create index on bindings (contact_id) where upper_inf(recorded);

create table relations (
    relation_id uuid not null,
    version integer not null,
    holder_kind text not null check (holder_kind in ('contact', 'organization')),
    holder_id uuid not null,
    holder_organization_id uuid not null,  -- the holder itself, or the contact's own organization
    organization_id uuid not null,         -- the organization acted for
    type text not null,
    valid daterange not null check (not isempty(valid)),
    ended_at timestamptz,
    through uuid,      -- of a delegation: the firm's own relation
    membership uuid,   -- of a delegation: the member's relation to the firm
    all_rights bool not null default false,  -- of a delegation: whatever `through` carries
    request_id uuid,
    recorded tstzrange not null,
    primary key (relation_id, version),
    check (holder_kind = 'contact' or (holder_id = holder_organization_id and through is null)),
    check (holder_kind = 'organization' or (through is null) = (holder_organization_id = organization_id)),
    check ((through is null) = (membership is null) and (through is not null or not all_rights)),
    check (holder_id <> organization_id),
    exclude using gist (
        holder_id with =, organization_id with =, type with =,
        -- A delegation under an earlier membership is another one: it hangs on what has ended, and must not be in the way.
        coalesce(through, '00000000-0000-0000-0000-000000000000') with =,
        coalesce(membership, '00000000-0000-0000-0000-000000000000') with =, valid with &&
    ) where (upper_inf(recorded) and ended_at is null)
);
create unique index on relations (relation_id) where upper_inf(recorded);
create index on relations (holder_id, organization_id) where upper_inf(recorded);
create index on relations (organization_id) where upper_inf(recorded);
create index on relations (holder_organization_id) where upper_inf(recorded);

create table rights (
    right_id uuid not null,
    version integer not null,
    relation_id uuid not null,
    subject text not null,
    level level not null,
    valid daterange not null check (not isempty(valid)),
    ended_at timestamptz,
    granted_by text not null,  -- the audit's name for who granted it
    request_id uuid,
    recorded tstzrange not null,
    primary key (right_id, version),
    exclude using gist (relation_id with =, subject with =, valid with &&) where (upper_inf(recorded) and ended_at is null)
);
create unique index on rights (right_id) where upper_inf(recorded);
create index on rights (relation_id, subject) where upper_inf(recorded);

-- What a person ticked, in the words that were shown.
create table attestations (
    id bigint generated always as identity primary key,
    account_id uuid not null,
    contact_id uuid not null,
    object_id uuid not null,
    code text not null,
    version integer not null,
    language text not null,
    text text not null,
    at timestamptz not null
);
create index on attestations (object_id);

create table linking_code_batches (
    batch_id uuid primary key,
    requested_by text not null,
    requested_at timestamptz not null
);

create table linking_code_batch_items (
    batch_id uuid not null references linking_code_batches,
    contact_id uuid not null,
    generation integer,
    issued_at timestamptz,
    skipped text check (skipped in ('no_address')),
    primary key (batch_id, contact_id)
);
create index on linking_code_batch_items (contact_id, generation) where issued_at is null and skipped is null;
