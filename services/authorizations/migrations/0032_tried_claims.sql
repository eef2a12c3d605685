-- Whether a code was typed, be it right or wrong: of earlier claims it is known where it was right or not looked at.
alter table claims add tried bool not null default false;
update claims set tried = proven or locked;
