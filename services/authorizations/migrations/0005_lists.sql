-- Names as lists sort and search them: without accents and case, a person's family name before the given one, between
-- them a tab, which sorts before whatever a name may hold. The database writes the column, whoever writes the row.
create function folded(name text) returns text immutable strict parallel safe language sql
    return lower(unaccent(name));

alter table personal_fields add column sorted_name text collate "C" generated always as
    (folded(coalesce(legal_name, family_name || e'\t' || coalesce(given_name, '')))) stored;

-- Lists read the name of thousands of owners for one page: it stands in the index itself.
alter table personal_fields drop constraint personal_fields_pkey, add primary key (owner_id) include (sorted_name);

-- By what was known at an earlier instant, superseded versions count too: these find them as they find the current ones.
drop index relations_holder_id_organization_id_idx, relations_organization_id_idx, relations_holder_organization_id_idx,
    rights_relation_id_subject_idx, statuses_owner_id_idx, bindings_account_id_contact_id_idx, bindings_contact_id_idx;
create index on relations (holder_id, organization_id);
create index on relations (organization_id, holder_id);
create index on rights (relation_id, subject);
create index on statuses (owner_id);
create index on bindings (account_id) include (contact_id);
create index on bindings (contact_id);
