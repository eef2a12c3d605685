-- Mailboxes that an agent refused as the address of a side, as keyed digests: whoever gives one again is refused.
create table refused_mailboxes (
    side_id uuid not null references mandate_sides,
    mailbox bytea not null,
    primary key (side_id, mailbox)
);

-- A keyed digest of the content: the same document, uploaded again, serves no second mandate. Of what was kept before,
-- none; of what was uploaded again, that of the first.
alter table attachments add digest bytea;
create index attachments_by_content on attachments (digest) where digest is not null;

-- An organization is known by its address too.
drop index personal_fields_mailboxes;
create index personal_fields_mailboxes on personal_fields (mailbox_key(email) collate "C") where email is not null;
