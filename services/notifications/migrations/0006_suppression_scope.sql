-- A complaint stops the kind of mail that it is about, a dead mailbox everything.

alter table suppressions
    add column scope text not null default 'everything', -- or the kind of mail that is not sent there
    add column until timestamptz;                        -- ends by itself then; null: when an agent releases it

update suppressions set scope = mails.kind
from mails where mails.delivery_id = suppressions.delivery_id and suppressions.reason = 'complaint';

drop index suppressions_in_force;
create unique index suppressions_in_force on suppressions (address_digest, scope) where released_at is null;
