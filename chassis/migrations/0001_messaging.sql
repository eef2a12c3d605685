-- What every service's database has for messages: written in the business transaction, read by relay and doors.

create table outbox (
    id bigint generated always as identity primary key,
    topic text not null,
    key text not null,
    headers jsonb not null,
    payload bytea not null check (octet_length(payload) < 900000),
    created_at timestamptz not null default clock_timestamp()
) with (
    -- Every row is deleted seconds after its insert: without eager vacuum the relay's SELECT wades through dead rows.
    autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_cost_delay = 0
);

create table inbox (
    consumer text not null,
    event_id uuid not null,
    applied_at timestamptz not null default clock_timestamp(),
    primary key (consumer, event_id)
);

create table dead_letters (
    id bigint generated always as identity primary key,
    consumer text not null,
    topic text not null,
    partition integer not null,
    "offset" bigint not null,
    key bytea,
    headers jsonb not null,
    payload bytea,
    reason text not null,
    behind bool not null,   -- parked only because an earlier message of its key is
    ordered bool not null,  -- later messages of its key wait for it
    attempts integer not null,
    first_at timestamptz not null,
    last_at timestamptz not null,
    unique (consumer, topic, partition, "offset")
);
create index on dead_letters using hash (key);  -- a b-tree refuses the long key that brought a message here

create table audit (
    id bigint generated always as identity primary key,
    at timestamptz not null,
    organization_id uuid,
    actor_kind text not null,
    actor_id text not null,
    profile_id uuid,
    action text not null,
    object_id uuid,
    detail jsonb not null,
    data_version text not null  -- of the agency's data, under which it was decided
);
create index on audit (organization_id, id);

create table idempotency_keys (
    principal text not null,
    route text not null,
    key text not null,
    body_digest bytea not null,
    resource_id uuid not null,
    created_at timestamptz not null default clock_timestamp(),
    primary key (principal, route, key)
);

create table limits (
    name text not null,
    key bytea not null,     -- keyed digest of what is counted: an address, an account, a network
    window_start timestamptz not null,
    spent integer not null,
    primary key (name, key)
);

create table revoked_sessions (
    session_id uuid primary key,
    revoked_at timestamptz not null default clock_timestamp()
);

create table epochs (
    subject uuid primary key,
    epoch integer not null
);
