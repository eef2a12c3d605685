-- Which account accounts gave a contact, by a credential: it binds once the contact is known. A read model, without
-- foreign keys.
create table credentials (
    contact_id uuid primary key,
    generation integer not null,
    account_id uuid not null,
    settled bool not null default false,    -- the account was bound, was already, or could not be
    link_id uuid                            -- the last link that was made by one
);
