-- What a review of misuse rests on: reports of people, signs that accounts saw. Their words stand in personal_fields.
create table misuse_evidence (
    evidence_id uuid primary key,
    request_id uuid not null references requests,
    kind text not null check (kind in ('report', 'signal')),
    code text not null,
    by text not null,              -- the audit's name for who told it
    organization_id uuid,          -- for which they told it
    mandate_id uuid,
    at timestamptz not null,
    seen jsonb not null default '{}'
);
create index on misuse_evidence (request_id);
create index requests_of_misuse on requests (asked) where reason = 'misuse';

alter table personal_fields add column words text; -- what a person said in words of their own
