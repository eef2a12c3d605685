-- Addresses that somebody proves to read, for an act at another service. `people` holds a row under the id of each, with
-- the address and the language; it goes when the proof is forgotten.
create table address_proofs (
    proof_id uuid primary key,
    address bytea not null,                 -- keyed digest of the address: tries are counted by it over all its proofs
    purpose text not null,
    requested_at timestamptz not null,
    code_digest text not null,              -- keyed
    code_expires_at timestamptz not null,
    resend_after timestamptz not null,
    tries integer not null default 0,       -- counted before the code is compared; a new code resets nothing
    proven_at timestamptz                   -- the code is spent
);
create index on address_proofs (requested_at);
