-- What was corrected together with asking for a linking code, until a code was issued whose mail tells it.
alter table contacts add linking_code_changes text[] not null default '{}';
