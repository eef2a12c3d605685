-- Of the code of `generation`, as authorizations says it; kept, because a code may be owed for a while.
alter table contacts add code_priority text not null default 'normal' check (code_priority in ('normal', 'bulk'));
