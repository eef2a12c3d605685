-- What was corrected together with asking for the code of `generation`; kept, because a code may be owed for a while.
alter table contacts add code_changes text[] not null default '{}';
