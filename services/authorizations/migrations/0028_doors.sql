-- By which of the agency's doors an account was opened; null: by the first one. Whoever accepts an invitation must be
-- one of the persons for whom that door is.
alter table personal_fields add column door text;
