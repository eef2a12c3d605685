-- By which of the agency's doors an account was opened; null: by the first one.
alter table accounts add column door text;

alter table former_redemption_left_out
    drop constraint former_redemption_left_out_why_check,
    add constraint former_redemption_left_out_why_check
        check (why in ('already_linked', 'other_profile_here', 'other_door', 'not_active', 'unknown'));
