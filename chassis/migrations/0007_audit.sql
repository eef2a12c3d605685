-- Sealing the audit: its entries are chained per organization, and whoever holds a published head finds what changed.

alter table audit add column rule text;  -- why it was allowed; null: nobody said, or it was not

-- An organization reads its own entries, newest first.
drop index audit_organization_id_id_idx;
create index audit_of_organization on audit (organization_id, (-id));

-- Entries that wait to be sealed: written with them, deleted when they are. A transaction that commits late is not missed.
create table audit_unsealed (
    entry_id bigint primary key
) with (autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_cost_delay = 0);
insert into audit_unsealed (entry_id) select id from audit;

-- The place of each entry in its chain, and the digest of everything up to it. chain_id is the organization; nil: of none.
create table audit_seals (
    chain_id uuid not null,
    sequence bigint not null,
    entry_id bigint not null,
    digest bytea not null,
    primary key (chain_id, sequence)
);

-- The head of each chain; and where it begins, once its oldest entries were deleted for their age.
create table audit_chains (
    chain_id uuid primary key,
    sequence bigint not null,
    digest bytea not null,
    pruned_to bigint not null default 0,
    pruned_digest bytea not null default ''
) with (fillfactor = 70);  -- updated at every second in which the organization's file is touched
