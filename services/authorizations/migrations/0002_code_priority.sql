-- How urgent the mail of the newest generation's code is: a batch's codes must not hold up one that somebody waits for.
alter table contacts add linking_code_priority text not null default 'normal'
    check (linking_code_priority in ('normal', 'bulk'));
