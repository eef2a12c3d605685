-- Leases that are short and renewed: `fence` counts how often a mail was taken in hand and never goes back, so that what
-- an earlier holder renews or reports is told from what the present one does. `attempts` counts what the mail has used up.
alter table mails add fence integer not null default 0;

-- Mails that have ended are kept for a while, so that people may ask about them, then deleted in portions.
create index mails_ended on mails (state_at) where due_at is null;
