-- From where an account is used, without a change in between. Digests are keyed, and differ from account to account;
-- only the operator's own code of a place says where. Deleted after a week.
create table sightings (
    account_id uuid not null,
    seen_from timestamptz not null,
    seen_until timestamptz not null,
    network bytea not null,
    device bytea not null,
    place text,
    latitude double precision,
    longitude double precision,
    primary key (account_id, seen_from)
) with (fillfactor = 80);

-- When each sign of an account was told last, so that it is told once in a time.
create table suspicions (
    account_id uuid not null,
    signal text not null,
    raised_at timestamptz not null,
    primary key (account_id, signal)
);
