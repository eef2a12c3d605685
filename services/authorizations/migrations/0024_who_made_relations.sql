-- Who made a relation (the audit's name), as rights say who granted them: what one person did can be taken back as one.
-- Relations of an import, and those from before this column, have nobody.
alter table relations add column granted_by text;
create index relations_granted on relations (organization_id, granted_by) where granted_by is not null;
