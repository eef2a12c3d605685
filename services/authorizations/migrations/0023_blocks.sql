-- Whom an organization keeps out: a contact, an account, or a contact with the account that it is. Dated and recorded
-- like relations, because `at` asks. While a block stands, nothing that they hold for the organization is in force.
create table blocks (
    block_id uuid not null,
    version integer not null,
    organization_id uuid not null references organizations,
    contact_id uuid,
    account_id uuid,
    during tstzrange not null check (not isempty(during)),
    reason text,               -- a code of the agency's data
    blocked_by text not null,  -- the audit's names for who did it, and who ended it
    ended_by text,
    recorded tstzrange not null,
    primary key (block_id, version),
    check (contact_id is not null or account_id is not null),
    check ((ended_by is null) = upper_inf(during)),
    exclude using gist (organization_id with =, contact_id with =, during with &&)
        where (upper_inf(recorded) and contact_id is not null),
    exclude using gist (organization_id with =, account_id with =, during with &&)
        where (upper_inf(recorded) and account_id is not null)
);
create unique index on blocks (block_id) where upper_inf(recorded);
-- The one query looks here for each chain, mostly in vain.
create index blocks_of_organization on blocks (organization_id);
