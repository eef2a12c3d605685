-- Versions of states are drawn from the clock, in microseconds (chassis/states.py): a bigint holds them.
alter table organizations alter column version type bigint;
alter table contacts alter column version type bigint;
alter table account_versions alter column version type bigint;
