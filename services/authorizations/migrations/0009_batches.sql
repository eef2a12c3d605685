-- Batches asked for by those who manage an organization as well as by agents, and what became of each person's mail.
alter table linking_code_batches
    add organization_id uuid references organizations,  -- the one that it is for; null: an agent's, for several
    add unknown_numbers integer not null default 0;     -- of organizations that an agent named and nobody has

alter table linking_code_batch_items
    add turn smallint not null default 2,  -- whose comes first, lowest number first: a campaign lets others pass
    add delivery_id uuid,                  -- of the mail that carries the code, once linking told of it
    drop constraint linking_code_batch_items_skipped_check,
    add constraint linking_code_batch_items_skipped_check check (
        skipped in ('no_address', 'linked', 'not_a_member', 'organization_inactive', 'too_many_codes')
    );

drop index linking_code_batch_items_waiting;
create index linking_code_batch_items_waiting on linking_code_batch_items (turn, batch_id, contact_id)
    where generation is null and skipped is null;
create index on linking_code_batch_items (delivery_id) where delivery_id is not null;
create index on linking_code_batches (organization_id) where organization_id is not null;

-- What notifications tells of mails. Its events and linking's arrive in either order, so a mail is known here before it
-- is known whose it is; one that no batch has claimed within days was none of ours and is deleted.
create type delivery_state as enum ('deferred', 'sent', 'expired', 'undelivered');  -- a later one replaces an earlier

create table mail_deliveries (
    delivery_id uuid primary key,
    state delivery_state not null,
    told_at timestamptz not null
);
create index on mail_deliveries (told_at);
