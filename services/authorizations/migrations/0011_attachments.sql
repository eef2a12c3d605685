-- Files that go with forms. The content is a compact JWE that only this service opens; a worker deletes the row in time.
create table attachments (
    attachment_id uuid primary key,
    account_id uuid not null,   -- who uploaded it, through which profile
    contact_id uuid not null references contacts,
    organization_id uuid not null references organizations,
    format text not null check (format in ('pdf', 'jpeg', 'png')),
    size integer not null,      -- bytes of the file
    content text not null,
    uploaded_at timestamptz not null,
    object_id uuid,             -- the request, contact or relation whose form named it
    used_at timestamptz,
    check ((object_id is null) = (used_at is null))
);
alter table attachments alter column content set storage external;  -- what is encrypted cannot be compressed
create index on attachments (object_id) where object_id is not null;
create index on attachments (used_at) where used_at is not null;
create index on attachments (uploaded_at) where used_at is null;
