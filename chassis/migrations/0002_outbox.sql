-- Shards of the outbox, tombstones, and the states that are sent again.

-- Each relay leads some shards. The number of shards stands here and in chassis/relay.py.
alter table outbox add column shard smallint not null generated always as (hashtext(key) & 3) stored;
create index on outbox (shard, id);

alter table outbox alter column payload drop not null;  -- null: a tombstone, the thing of that key is forgotten

-- The newest state, or tombstone, of each key that has not yet been sent a second time (chassis/states.py).
create table state_echoes (
    topic text not null,
    key text not null,
    headers jsonb not null,
    payload bytea,
    due_at timestamptz not null,
    primary key (topic, key)
);
create index on state_echoes (due_at);
