-- How far each consumer has come: goes back with the effects when the database is restored, as Kafka's own does not.
create table positions (
    consumer text not null,
    topic text not null,
    partition integer not null,
    "offset" bigint not null,  -- after the last record seen to its end
    primary key (consumer, topic, partition)
) with (fillfactor = 50);  -- a few rows, each updated five times a second
