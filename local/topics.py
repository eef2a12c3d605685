"""Makes the topics of the contracts on a laptop and in tests; on Kubernetes an operator does."""

from collections.abc import Sequence

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAlreadyExistsError, for_code

from contracts.topics import TOPICS, Topic


async def create(
    servers: str, prefix: str = "", topics: Sequence[Topic] = TOPICS, partitions: int | None = None
) -> None:
    """Make each topic that is missing, one replica each. Raises KafkaError.

    `partitions` makes fewer than the contract says, for tests that have no use for twelve.
    """
    client = AIOKafkaAdminClient(bootstrap_servers=servers)
    await client.start()
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
