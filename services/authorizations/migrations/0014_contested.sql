-- Links that an agent decides about (services/authorizations/contested/).

-- The last link of the contact that an agent decided to end; the contact's state tells linking so.
alter table contacts add ended_link_id uuid;

create index requests_contested on requests (((asked ->> 'contact_id')::uuid)) where reason = 'contested';
