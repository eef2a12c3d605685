-- By which of the agency's doors an account was opened; null: by the first one.
alter table accounts add column door text;
