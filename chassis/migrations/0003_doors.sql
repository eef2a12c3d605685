-- A request that is sent again is answered with the Mandat-After of the first.

alter table idempotency_keys add column mandat_after text;
