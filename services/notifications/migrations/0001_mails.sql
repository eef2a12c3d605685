-- Every mail that was asked for, from its request to its end. The only table here with personal fields: the address and
-- the secrets in `sealed`, an organization's name in `fields`.
create table mails (
    delivery_id uuid primary key,           -- UUIDv7, drawn where the code was made: its order is the order of the codes
    deduplication_id text not null unique,
    handle_digest bytea not null unique,    -- SHA-256 of the handle that the person asks with
    recipient_id uuid not null,
    kind text not null,
    language text not null,
    fields jsonb not null,                  -- what the request says in clear, for the template
    sealed text,                            -- a JWE that only this service opens; gone with the mail's end
    priority smallint not null,             -- 0 urgent, 1 normal, 2 bulk
    replaces text,                          -- the purpose, within one recipient, of which only the newest mail is sent
    replaced boolean not null default false,
    expires_at timestamptz not null,
    message_id text not null,
    accepted_at timestamptz not null,
    state text not null check (state in ('accepted', 'deferred', 'sent', 'bounced', 'expired')),
    state_at timestamptz not null,
    due_at timestamptz,                     -- when to try next; null once the mail has ended
    lease_until timestamptz,                -- a sender has it in hand until then
    attempts integer not null default 0,    -- also the fence: what an older attempt reports no longer counts
    reason text,                            -- enhanced status code (RFC 3463), or why it expired
    check ((state in ('accepted', 'deferred')) = (due_at is not null)),
    check ((due_at is null) = (sealed is null)),
    check (due_at is not null or lease_until is null)
) with (
    -- A row is updated three times in its first second; lean vacuum keeps the partial indexes small.
    autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_scale_factor = 0.01
);

create index mails_due on mails (priority, due_at) where due_at is not null;
create index mails_ending on mails (expires_at) where due_at is not null;
create index mails_replaced on mails (delivery_id) where due_at is not null and replaced;
create index mails_purpose on mails (recipient_id, replaces, delivery_id) where replaces is not null;
