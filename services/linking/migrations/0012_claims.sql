-- Claims of accounts to organizations: made here, decided by authorizations, shown to whoever made them.
create table claims (
    claim_id uuid primary key,
    account_id uuid not null,
    organization_id uuid not null,
    method text not null,
    capacity text not null,
    made_at timestamptz not null,
    lapses_on date not null,         -- the last day on which it can be decided
    version integer not null default 1,
    decider text check (decider in ('organization', 'agents')),  -- once others are asked
    request_id uuid,
    outcome text check (outcome in ('administrator', 'granted', 'refused', 'lapsed', 'withdrawn')),
    decision_reason text,
    decided_at timestamptz,
    check ((decider is null) = (request_id is null)),
    check ((outcome is null) = (decided_at is null))
);
create unique index one_open_claim on claims (account_id, organization_id) where outcome is null;
