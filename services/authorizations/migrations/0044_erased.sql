-- When the person of a contact was erased; its client number is its id since, and its state a tombstone.
alter table contacts add column erased_at timestamptz;
