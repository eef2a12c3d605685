-- A code also ends when its contact is forgotten.
alter table linking_codes
    drop constraint linking_codes_ended_by_check,
    add constraint linking_codes_ended_by_check
        check (ended_by in ('redeemed', 'replaced', 'address_changed', 'forgotten'));
