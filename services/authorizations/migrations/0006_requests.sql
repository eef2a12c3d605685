-- What somebody asked and others decide: one machine for every kind (docs/architecture/requests.md). What a request says
-- of a person stands in personal_fields, whose owner is the request.
create table requests (
    request_id uuid primary key,
    version integer not null default 1,
    kind text not null,
    reason text,                                   -- of a review: why it is one
    organization_id uuid references organizations, -- the organization acted for; null until its number is found
    other_kind text,                               -- how whoever asked named the other organization
    other_number text,
    asked_by_organization_id uuid references organizations,
    asked_by_contact_id uuid,                      -- null: the platform itself asks
    asked_by text not null,                        -- the audit's name
    asked jsonb not null,                          -- what is to become true, typed per kind: ids, codes and dates
    decider text not null check (decider in ('organization', 'agents')),
    state text not null default 'submitted'
        check (state in ('submitted', 'returned', 'decided', 'lapsed', 'withdrawn')),
    outcome text check (outcome in ('approve', 'reject', 'merge')),
    decision_reason text,
    decided_by text,
    submitted_at timestamptz not null,
    settled_at timestamptz,
    to_tell text check (to_tell in ('submitted', 'withdrawn')), -- what a worker has still to tell, apart from the answer
    lapses_on date not null,                       -- the last day on which it can be decided
    claimed_by text,
    claimed_until timestamptz,
    check ((kind = 'review') = (reason is not null)),
    check ((state = 'decided') = (outcome is not null)),
    check ((state in ('decided', 'lapsed', 'withdrawn')) = (settled_at is not null)),
    check ((other_number is null) = (other_kind is null))
);
create index on requests (organization_id);
create index on requests (asked_by_organization_id);
create index requests_to_tell on requests (request_id) where to_tell is not null;
create index requests_to_lapse on requests (lapses_on) where state in ('submitted', 'returned');
create index requests_of_agents on requests (request_id) where decider = 'agents' and state in ('submitted', 'returned');

create index requests_to_end on requests (((asked ->> 'relation_id')::uuid))
    where kind = 'proposed_end' and state in ('submitted', 'returned');
