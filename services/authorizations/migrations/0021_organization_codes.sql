-- What linking is told of an organization beside its names: where a letter goes, and what it alone may read.

alter table personal_fields add billing_address text[] not null default '{}';

-- `facts` are sealed to linking; the keyed digest says whether an extract brings other ones. `code_generation` rises when
-- an organization whose kind has codes is first active.
alter table organizations
    add facts text,
    add facts_digest bytea,
    add code_generation integer not null default 0,
    add check ((facts is null) = (facts_digest is null));

-- Of a row that waits: what linking alone may read is sealed before the row is kept.
alter table import_rows add facts text, add facts_digest bytea;
