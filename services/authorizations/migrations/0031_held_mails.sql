-- Mails that a budget held back (services/authorizations/held_mails.py): how many, until they are told of together, once
-- the day is over.
create table held_mails (
    day date not null,
    mailbox bytea not null,        -- a keyed digest: one mail goes to each
    recipient_id uuid not null,    -- a contact, an account, or an organization's address on file
    organization_id uuid not null,
    strangers integer not null default 0,
    managers integer not null default 0,
    warnings integer not null default 0,
    primary key (day, mailbox, recipient_id, organization_id)
);
