-- The tokens that mails of an invitation lead with; keyed digests alone rest. What is offered stands in requests, whom it
-- invites in personal_fields.
create table invitation_tokens (
    digest bytea primary key,
    request_id uuid not null references requests
);
create index on invitation_tokens (request_id);
