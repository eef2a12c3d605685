-- Which version of a mandate's request the machine has looked at, that may approve some in an agent's place.
alter table mandates add looked_at_version integer;
