-- Counting a list looks at up to 10,000 delegations and their rights, which stand far apart in their tables: what says
-- whether each holds stands in the index itself, so that PostgreSQL reads hundreds of pages instead of ten thousand.
create index relations_of_organization on relations (organization_id, holder_id)
    include (relation_id, through, membership, all_rights, valid, ended_at, recorded);
create index rights_of_relation on rights (relation_id, subject) include (level, valid, ended_at, recorded);
create index statuses_of_owner on statuses (owner_id) include (active, during, recorded);
drop index relations_organization_id_holder_id_idx, rights_relation_id_subject_idx, statuses_owner_id_idx;
