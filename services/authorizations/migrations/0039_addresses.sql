-- By which mailbox somebody is known here: addresses of which a rule of the agency's data may say that they lead to the
-- same one have the same key, or keys that begin alike; the rule itself is applied to the few that are found. Labels
-- after a plus sign and dots are left out, case too.
create function mailbox_key(email text) returns text immutable strict parallel safe language sql
    return lower(split_part(email, '@', 2)) || '/'
        || replace(split_part(split_part(lower(email), '@', 1), '+', 1), '.', '');

create index personal_fields_mailboxes on personal_fields (mailbox_key(email) collate "C")
    where email is not null and legal_name is null;

-- From when on a side whose address was refused is asked for another; null: not (again).
alter table mandate_sides add ask_at timestamptz;
create index mandate_sides_to_ask on mandate_sides (ask_at) where ask_at is not null;
