-- The key of each person who signs, locked with the service's own (a compact JWE). Whose: an account's, or of whoever has
-- none, that side's of the mandate. Once the row is gone, what its person signed cannot be read.
create table person_keys (
    key_id uuid primary key,
    owner_id uuid not null unique,
    locked text not null,
    made_at timestamptz not null
);

-- Who signed which version of a request's text. What was signed, shown and found out stands in `sealed`, a compact JWE
-- with the person's key; the audit keeps the row's digest (services/authorizations/signatures/domain.py).
create table signatures (
    signature_id uuid primary key,
    request_id uuid not null references requests,
    text_version integer not null,
    side text not null check (side in ('professional', 'delegate')),
    key_id uuid not null,
    account_id uuid,
    contact_id uuid,
    method text not null check (method in ('password', 'email_code', 'paper')),
    language text not null check (language in ('fr', 'en')),
    signed_at timestamptz not null,
    sealed text not null,
    voided_at timestamptz
);
alter table signatures alter column sealed set storage external;  -- what is encrypted cannot be compressed
create unique index signatures_that_stand on signatures (request_id, side) where voided_at is null;
create index on signatures (request_id);

create index audit_of_signatures on audit (object_id)
    where action in ('mandate_signed', 'signature_voided', 'signing_key_erased');

-- Proofs that were shown here, each good once for each request that it names.
create table used_proofs (
    proof_id uuid not null,
    request_id uuid not null references requests,
    used_at timestamptz not null,
    primary key (proof_id, request_id)
);
create index on used_proofs (used_at);
