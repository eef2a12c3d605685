-- Imports of an agency's extract, carried out in portions (services/authorizations/imports/).

create table imports (
    import_id uuid primary key,
    dry_run bool not null,
    state text not null check (state in ('receiving', 'waiting', 'done')),
    actor_kind text not null,
    actor_id text not null,
    requested_at timestamptz not null,
    finished_at timestamptz,
    next_portion integer not null default 0,
    portions integer,  -- null while it is received
    read bigint not null default 0,
    created bigint not null default 0,
    changed bigint not null default 0,
    unchanged bigint not null default 0,
    rejected bigint not null default 0,
    noted bigint not null default 0,  -- brought in, and somebody should look; not part of the sum
    check (state <> 'done' or read = created + changed + unchanged + rejected)
);
create index on imports (requested_at) where state <> 'done';

-- Rows that were read and wait for their portion, which takes them out. No foreign key: a check for each of a million
-- rows would take a third of the time of staging them.
create table import_rows (
    import_id uuid not null,
    place bigint not null,  -- in the extract
    line integer not null,
    at text not null,       -- in the line, a JSON pointer
    record text not null,
    kind text not null,
    number text not null,
    client_number text,
    content text not null
);
create index on import_rows (import_id, kind, number);

-- All rows about one organization are of one portion.
create table import_organizations (
    import_id uuid not null,
    kind text not null,
    number text not null,
    portion integer not null,
    primary key (import_id, kind, number)
);
create index on import_organizations (import_id, portion);

create table import_defects (
    import_id uuid not null,
    place bigint not null,
    code text not null,
    rejects bool not null,
    line integer not null,
    at text not null,
    keys jsonb not null,        -- record, kind, number …: what names the row
    parameters jsonb not null,  -- of the code's text; neither holds a name or an address
    primary key (import_id, place, code)
);

-- Per organization: what could not be brought in, or should be looked at, until somebody settles it.
create table migration_items (
    item_id uuid primary key,
    organization_id uuid not null references organizations,
    digest bytea not null,      -- of what is wrong with what: an extract that comes again adds nothing
    import_id uuid not null,    -- the latest in which it was found
    code text not null,
    rejects bool not null,
    keys jsonb not null,
    parameters jsonb not null,
    found_at timestamptz not null,
    settled text check (settled in ('confirmed', 'corrected')),
    settled_at timestamptz,
    check ((settled is null) = (settled_at is null)),
    unique (organization_id, digest)
);
