-- A change of address is undone with its link and the password that the account had when it was changed: whoever reads
-- the former mailbox later has no more than the one of the two.
alter table email_changes
    add column former_password_hash text,             -- null before the change; gone with the row
    add column undo_tries integer not null default 0; -- counted before the password is compared
