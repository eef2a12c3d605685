-- Contacts that were added at once, until a worker has compared them with the files of other organizations: who adds
-- somebody must not learn, by the answer or by what it takes, that the person is known elsewhere.
create table contacts_to_compare (
    contact_id uuid primary key references contacts
);
