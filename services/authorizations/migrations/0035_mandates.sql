-- Mandates (services/authorizations/mandates/): requests that two sides sign before agents decide.
alter table requests
    drop constraint requests_state_check,
    add constraint requests_state_check
        check (state in ('signing', 'submitted', 'returned', 'decided', 'lapsed', 'withdrawn')),
    add received_at timestamptz not null default now(); -- its place in the queue: when it came to those who decide
update requests set received_at = submitted_at;

drop index requests_to_lapse;
create index requests_to_lapse on requests (lapses_on) where state in ('signing', 'submitted', 'returned');
create index requests_as_received on requests (received_at, request_id);
create index mandates_waiting on requests (received_at) where kind = 'mandate' and state = 'submitted';

-- Mandates that were asked for at once; of each item, in order, the mandate's id, or why it was refused.
create table mandate_lists (
    list_id uuid primary key,
    organization_id uuid not null references organizations,
    contact_id uuid not null,     -- the professional
    items jsonb not null
);

-- What a mandate is besides a request. As whom the professional described the delegate stands in personal_fields under
-- the request's id.
create table mandates (
    request_id uuid primary key references requests,
    list_id uuid references mandate_lists,    -- null: from paper, or a renewal
    text_version integer not null default 1,  -- a new text voids what was signed
    language text not null,                   -- of the professional's text
    delegate_language text not null,
    contact_id uuid,                          -- the delegate in the organization, and what an approval gave, once it did
    relation_id uuid,
    right_id uuid,
    revoked_at timestamptz,
    revoked_by text,                          -- the audit's name
    check ((right_id is null) = (contact_id is null)),
    check ((right_id is null) = (relation_id is null)),
    check ((revoked_at is null) = (revoked_by is null)),
    check (revoked_at is null or right_id is not null)
);
create index on mandates (list_id) where list_id is not null;
create index on mandates (right_id) where right_id is not null;
create index on mandates (contact_id) where contact_id is not null;

-- The two who sign. As whom stands in personal_fields under side_id: the names in the text, and the address once it is
-- verified.
create table mandate_sides (
    side_id uuid primary key,
    request_id uuid not null references mandates,
    side text not null check (side in ('professional', 'delegate')),
    account_id uuid,
    contact_id uuid,
    address_state text not null default 'none' check (address_state in ('none', 'verified', 'refused')),
    address_reason text,
    verified_at timestamptz,
    signed_version integer,                   -- the last text that the side has signed
    signed_at timestamptz,
    unique (request_id, side),
    check ((address_state = 'refused') = (address_reason is not null)),
    check ((address_state = 'verified') = (verified_at is not null)),
    check ((signed_version is null) = (signed_at is null))
);
create index on mandate_sides (account_id) where account_id is not null;
create index on mandate_sides (contact_id) where contact_id is not null;
