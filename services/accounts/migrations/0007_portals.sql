-- At which of the agency's addresses a person began; null, as for those of before: at the first one.
alter table people add column portal text;
