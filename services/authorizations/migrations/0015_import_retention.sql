-- An import that fails is tried again later, lets others go first, and is given up in the end.
alter table imports
    add failures integer not null default 0,  -- of the portion that is next
    add failed_at timestamptz,
    drop constraint imports_state_check,
    add constraint imports_state_check check (state in ('receiving', 'waiting', 'done', 'given_up'));
drop index imports_requested_at_idx;
create index imports_unfinished on imports (requested_at) where state in ('receiving', 'waiting');
create index imports_finished on imports (finished_at);
