-- A key is published a while before it signs, so that whoever verifies knows it by then; null: since it was made.
alter table signing_keys add signs_from timestamptz;
