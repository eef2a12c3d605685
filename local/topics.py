"""Makes the topics of the contracts on a laptop and in tests; on Kubernetes an operator does."""

import asyncio
from collections.abc import Sequence

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaConnectionError, KafkaError, TopicAlreadyExistsError, for_code

from contracts.topics import TOPICS, Topic

LOOKS = 100  # at a broker that has no controller yet, a tenth of a second apart


async def create(
    servers: str, prefix: str = "", topics: Sequence[Topic] = TOPICS, partitions: int | None = None
) -> None:
    """Make each topic that is missing, one replica each. Raises KafkaError.

    `partitions` makes fewer than the contract says, for tests that have no use for twelve.
    """
    client = await _client(servers)
    try:
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


async def _client(servers: str) -> AIOKafkaAdminClient:
    """A client of a broker that names its controller.

    One that has just started names neither itself nor a controller for a moment, and a client that was told so
    never asks again: each look is made with a new one. Raises KafkaError when the last look finds none either.
    """
    for _ in range(LOOKS):
        client = AIOKafkaAdminClient(bootstrap_servers=servers)
        try:
            await client.start()
            found = await client.describe_cluster()
            if found["brokers"] and found["controller_id"] >= 0:
                return client
            failure: KafkaError = KafkaConnectionError(f"{servers} names no controller")
        except KafkaError as error:
            failure = error
        await client.close()
        await asyncio.sleep(0.1)
    raise failure
