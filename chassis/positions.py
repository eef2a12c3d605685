"""How far each consumer has come, kept in the database of its effects.

Kafka keeps the same offsets, but a database that is restored to an earlier time does not take Kafka back with it. What
stands here goes back with the effects, and never runs ahead of them: it is written after their commit.
"""

from collections.abc import Mapping

from aiokafka import TopicPartition

from chassis.database import Pool

KEEP = """
insert into positions (consumer, topic, partition, "offset")
select $1, topic, partition, place from unnest($2::text[], $3::int[], $4::bigint[]) as rows (topic, partition, place)
on conflict (consumer, topic, partition) do update set "offset" = excluded."offset"
"""


async def keep(pool: Pool, consumer: str, offsets: Mapping[TopicPartition, int]) -> None:
    """Keep the offset after the last record of each partition that was seen to its end."""
    places = sorted(offsets)
    await pool.execute(
        KEEP,
        consumer,
        [place.topic for place in places],
        [place.partition for place in places],
        [offsets[place] for place in places],
    )


async def read(pool: Pool, consumer: str, topic: str) -> dict[int, int]:
    """The offsets kept, by partition."""
    rows = await pool.fetch(
        'select partition, "offset" from positions where consumer = $1 and topic = $2', consumer, topic
    )
    return {row["partition"]: row["offset"] for row in rows}
