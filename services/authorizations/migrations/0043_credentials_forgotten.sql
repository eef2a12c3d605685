-- A credential is forgotten once no half of it can come back any more (services/authorizations/credentials/).

alter table credentials
    add raised_at timestamptz not null default now(),
    add issued_at timestamptz;      -- when it was told that this generation has been seen to
update credentials c set issued_at = now()
from credential_deliveries d where d.contact_id = c.contact_id and d.generation = c.generation;
alter table credentials alter raised_at drop default;
create index on credentials (raised_at);
