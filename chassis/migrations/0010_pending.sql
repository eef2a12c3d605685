-- A request that is sent again is answered as the first was: with what there is, or with what waits for others.

alter table idempotency_keys add column pending boolean not null default false;
