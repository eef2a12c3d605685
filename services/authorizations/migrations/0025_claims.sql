-- Claims of accounts to act for organizations (services/authorizations/claims/), each decided once.
create table claims (
    claim_id uuid primary key,
    organization_id uuid not null references organizations,
    account_id uuid not null,
    method text not null,
    capacity text not null,
    proven bool not null,
    locked bool not null,
    lapses_on date not null,
    received_at timestamptz not null,
    decided_at timestamptz,       -- null while the account's state has not arrived
    outcome text check (outcome in ('appointed', 'asked', 'refused')),
    contact_id uuid,              -- of who was appointed
    request_id uuid,              -- by which others were asked
    check ((decided_at is null) = (outcome is null)),
    check ((outcome = 'appointed') = (contact_id is not null)),
    check ((outcome = 'asked') = (request_id is not null))
);
create index claims_waiting on claims (account_id) where decided_at is null;
create index on claims (organization_id);

-- Who asked without a profile, by which claim; and how many days before the last one those who decide were reminded.
alter table requests
    add claim_id uuid unique,
    add asked_by_account_id uuid,
    add reminded integer,
    add check ((claim_id is null) = (asked_by_account_id is null));
create index on requests (asked_by_account_id, organization_id) where asked_by_account_id is not null;

-- The last link of the contact that was made here, and by which linking method; the contact's state tells linking of it.
alter table contacts
    add bound_link_id uuid,
    add bound_method text,
    add check ((bound_link_id is null) = (bound_method is null));
