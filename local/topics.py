"""Makes the topics of the contracts on a laptop and in tests; on Kubernetes an operator does."""

import asyncio
from collections.abc import Sequence

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAlreadyExistsError, for_code

from contracts.topics import TOPICS, Topic

LOOKS = 100  # at a broker that has no controller yet, a tenth of a second apart


async def create(
    servers: str, prefix: str = "", topics: Sequence[Topic] = TOPICS, partitions: int | None = None
) -> None:
    """Make each topic that is missing, one replica each. Raises KafkaError.

    `partitions` makes fewer than the contract says, for tests that have no use for twelve.
    """
    client = AIOKafkaAdminClient(bootstrap_servers=servers)
    await client.start()
    try:
        await _controller_known(client)
        answer = await client.create_topics(
            [
                NewTopic(prefix + topic.name, partitions or topic.partitions, 1, topic_configs=topic.configuration)
                for topic in topics
            ]
        )
        for name, code, *_ in answer.topic_errors:
            if code not in (0, TopicAlreadyExistsError.errno):
                raise for_code(code)(name)
    finally:
        await client.close()


async def _controller_known(client: AIOKafkaAdminClient) -> None:
    """A broker that has just started may name no controller yet, and the client then fails with an AttributeError."""
    for _ in range(LOOKS):
        found = await client.describe_cluster()
        if found["brokers"] and found["controller_id"] >= 0:
            return
        await asyncio.sleep(0.1)
