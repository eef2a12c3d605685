-- At which of the agency's addresses the person of an account began, and links in mails lead; null: at the first one.
alter table people add column portal text;
