-- Versions of states are drawn from the clock, in microseconds (chassis/states.py): a bigint holds them.
alter table accounts alter column version type bigint;
