-- Organizations for which somebody may be able to act no more, or whom an agent put in place: until a worker has looked
-- at what follows (services/authorizations/deciding/handing_over.py). No key into organizations: whoever notes that an
-- account was closed holds no organization's lock, and must not wait for one.
create table acting_changed (
    id bigint generated always as identity primary key,
    organization_id uuid not null,
    by_agent bool not null
);

-- What waits for those who manage an organization: looked at again where nobody can act for it any more.
create index requests_of_managers on requests (organization_id) where decider = 'organization' and state = 'submitted';
