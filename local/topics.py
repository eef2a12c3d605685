"""Makes the topics of the contracts on a laptop and in tests; on Kubernetes an operator does."""

import asyncio
from collections.abc import Mapping, Sequence

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaConnectionError, KafkaError, KafkaTimeoutError, TopicAlreadyExistsError, for_code

from contracts.topics import TOPICS, Topic

LOOKS, LOOK_EVERY = 300, 0.1
"""How often, and how many seconds apart, a broker is looked at that has no controller yet or is not done."""


async def create(
    servers: str, prefix: str = "", topics: Sequence[Topic] = TOPICS, partitions: int | None = None
) -> None:
    """Make each topic that is missing, one replica each, and wait until every partition is led. Raises KafkaError.

    `partitions` makes fewer than the contract says, for tests that have no use for twelve.
    """
    wanted = {
        prefix + topic.name: NewTopic(
            prefix + topic.name, partitions or topic.partitions, 1, topic_configs=topic.configuration
        )
        for topic in topics
    }
    client = await _client(servers)
    try:
        for _ in range(LOOKS):
            wanted = await _make(client, wanted)
            if not wanted and await _led(client, [prefix + topic.name for topic in topics]):
                return
            await asyncio.sleep(LOOK_EVERY)
        raise KafkaTimeoutError(f"{servers} makes no topics")
    finally:
        await client.close()


async def _make(client: AIOKafkaAdminClient, wanted: Mapping[str, NewTopic]) -> dict[str, NewTopic]:
    """Make topics. Returns those that the broker, busy or just started, did not get round to. Raises KafkaError."""
    if not wanted:
        return {}
    try:
        answer = await client.create_topics(list(wanted.values()))
    except KafkaError as error:
        if not error.retriable:
            raise
        return dict(wanted)
    left = {}
    for name, code, *_ in answer.topic_errors:
        failure = for_code(code)
        if code not in (0, TopicAlreadyExistsError.errno):
            if not failure.retriable:
                raise failure(name)
            left[name] = wanted[name]
    return left


async def _led(client: AIOKafkaAdminClient, names: Sequence[str]) -> bool:
    """Whether the broker, which learns of a topic after the controller, knows every one with all its leaders."""
    found = await client.describe_topics(list(names))
    return all(topic["error_code"] == 0 and all(part["leader"] >= 0 for part in topic["partitions"]) for topic in found)


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
        await asyncio.sleep(LOOK_EVERY)
    raise failure
