-- The campaign in which the code of `generation` was asked for; kept, because a code may be owed for a while.
alter table contacts add code_campaign text;
