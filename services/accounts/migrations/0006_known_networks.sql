-- From where the owner of an address was let in: a keyed digest of both together, so that neither can be read or listed.
create table known_networks (
    digest bytea primary key,
    seen_at timestamptz not null
);
