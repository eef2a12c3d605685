-- Organizations that have a code on paper: what their letters and their claims need, and the codes.

-- Numbers as people type them, without what stands between their characters.
create index on organizations (upper(regexp_replace(number, '[^0-9A-Za-z]', '', 'g')));

-- Of authorizations.organizations, of those whose kind has codes. A code is owed while `generation`, which
-- authorizations raises, is above `settled_generation`, the last for which one was issued here.
create table organization_files (
    organization_id uuid primary key,
    trade_names text[] not null,
    email text,
    language text not null check (language in ('fr', 'en')),
    billing_address text[] not null,
    facts text,  -- payroll and year, encrypted to the service's own key; null: none reported
    generation integer not null,
    settled_generation integer not null default 0
);

-- A code rests as a keyed digest, and encrypted because its holder may read it again. While its organization is
-- inactive it is not valid: it matches nothing, and another organization may have its digits.
create table organization_codes (
    organization_id uuid not null,
    issue integer not null,
    digest bytea not null,
    kept text not null,
    adopted bool not null,  -- it was the organization's before it was brought in
    issued_at timestamptz not null,
    ended_at timestamptz,
    ended_by text check (ended_by in ('renewed', 'yielded', 'forgotten')),
    valid bool not null,
    tries integer not null default 0,  -- wrong ones since the last right one
    locked_at timestamptz,
    primary key (organization_id, issue),
    check ((ended_at is null) = (ended_by is null))
);
create unique index one_code_per_organization on organization_codes (organization_id) where ended_at is null;
create unique index one_organization_per_code on organization_codes (digest) where ended_at is null and valid;
