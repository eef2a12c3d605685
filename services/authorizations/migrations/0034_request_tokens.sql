-- The token by which a mail leads to a request, as one side of it: keyed digests alone rest, and a newer mail's takes the
-- older one's place. Of an invitation's several, the one that was written last is kept.
create table request_tokens (
    request_id uuid not null references requests,
    side text not null check (side in ('invited', 'professional', 'delegate')),
    digest bytea not null unique,
    primary key (request_id, side)
);
insert into request_tokens (request_id, side, digest)
    select distinct on (request_id) request_id, 'invited', digest from invitation_tokens order by request_id, ctid desc;
drop table invitation_tokens;
