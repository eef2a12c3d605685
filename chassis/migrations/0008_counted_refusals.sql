-- Refusals that are not entries of the audit by themselves: counted, until a worker notes the count (chassis/refusals.py).
create table refusals_counted (
    actor_kind text not null,
    actor_id text not null,
    profile_id uuid,
    organization_id uuid,
    attempted text not null,
    code text not null,
    since timestamptz not null,  -- the first that is counted here
    due_at timestamptz not null,
    unnoted integer not null,
    unique nulls not distinct (actor_kind, actor_id, profile_id, organization_id, attempted, code)
) with (fillfactor = 70);
create index on refusals_counted (due_at);
