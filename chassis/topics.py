"""Makes the topics of the contracts where nothing else does, and says where a broker's differ from them."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaConnectionError, KafkaError, KafkaTimeoutError, TopicAlreadyExistsError, for_code

from chassis.kafka import Clients
from contracts.topics import TOPICS, Topic

PATIENCE = 30.0  # seconds for a broker that has no controller yet, or is not done
LOOK_EVERY = 0.1  # seconds
MOST_REPLICAS = 3  # where there are so many brokers: one may be away, and one more be lost
IN_SYNC = "min.insync.replicas"


@dataclass(frozen=True)
class Wanted:
    """What is asked of a broker beyond the contracts: `partitions` makes fewer than they say, for tests that have no
    use for twelve; without `replicas` there are MOST_REPLICAS, or as many as there are brokers."""

    prefix: str = ""
    topics: Sequence[Topic] = TOPICS
    partitions: int | None = None
    replicas: int | None = None

    def of(self, topic: Topic, brokers: int) -> NewTopic:
        """A topic as it is to be made."""
        replicas = self.replicas or min(MOST_REPLICAS, brokers)
        # With three, two have what was acknowledged, and one may be away; with two, asking both would stop at each.
        configuration = topic.configuration | {IN_SYNC: str(max(1, replicas - 1))}
        number = self.partitions or topic.partitions
        return NewTopic(self.prefix + topic.name, number, replicas, topic_configs=configuration)


async def make(
    clients: Clients, wanted: Wanted, patience: float = PATIENCE, waiting: Callable[[str], None] = lambda _: None
) -> list[str]:
    """Make each topic that is missing. Returns the names of those made, once every partition is led.

    Several may do so at once. `waiting` is told, at each look, why it takes `patience`, in seconds. Raises KafkaError.
    """
    deadline = time.monotonic() + patience
    client = await _client(clients, deadline, waiting)
    try:
        brokers = len((await client.describe_cluster())["brokers"])
        everything = {topic.name: topic for topic in (wanted.of(topic, brokers) for topic in wanted.topics)}
        left = {name: everything[name] for name in await _missing(client, list(everything))}
        made: set[str] = set()
        while True:
            left = await _make(client, left, made)
            if not left and await _led(client, list(everything)):
                return [name for name in everything if name in made]
            if time.monotonic() > deadline:
                raise KafkaTimeoutError(f"{clients.servers} makes no topics")
            await asyncio.sleep(LOOK_EVERY)
    finally:
        await client.close()


async def differences(clients: Clients, wanted: Wanted) -> list[str]:
    """In words, where topics that are there are not as they would be made. Raises KafkaError."""
    client = await _client(clients, time.monotonic() + PATIENCE, lambda _: None)
    try:
        brokers = len((await client.describe_cluster())["brokers"])
        asked = [wanted.of(topic, brokers) for topic in wanted.topics]
        shapes = {found["topic"]: found for found in await client.describe_topics([topic.name for topic in asked])}
        settings = await _settings(client, asked)
    finally:
        await client.close()
    return [
        f"{topic.name}: {words}"
        for topic in asked
        for words in _differs(topic, shapes[topic.name], settings[topic.name])
    ]


def _differs(topic: NewTopic, shape: Mapping[str, Any], settings: Mapping[str, str]) -> list[str]:
    found = len(shape["partitions"])
    words = []
    if found != topic.num_partitions:
        words.append(f"{found} partitions, not {topic.num_partitions}: keys would move if that were changed in place")
    fewest = min(len(part["replicas"]) for part in shape["partitions"])
    if fewest < topic.replication_factor:
        words.append(f"{fewest} replicas, not {topic.replication_factor}")
    for name, value in topic.topic_configs.items():
        have = settings.get(name, "not set")
        if have != value and not (name == IN_SYNC and have.isdigit() and int(have) > int(value)):
            words.append(f"{name} is {have}, not {value}")
    return words


async def _settings(client: AIOKafkaAdminClient, topics: Sequence[NewTopic]) -> dict[str, dict[str, str]]:
    resources = [
        ConfigResource(ConfigResourceType.TOPIC, topic.name, dict.fromkeys(topic.topic_configs)) for topic in topics
    ]
    [answer] = await client.describe_configs(resources)
    settings = {}
    for code, why, _, name, entries in answer.resources:
        if code:
            raise for_code(code)(why or name)
        settings[name] = {entry[0]: str(entry[1]) for entry in entries}
    return settings


async def _missing(client: AIOKafkaAdminClient, names: Sequence[str]) -> list[str]:
    """Those that the broker does not know, or not yet: who may not make topics need not, where all are there."""
    found = await client.describe_topics(list(names))
    return [topic["topic"] for topic in found if topic["error_code"] != 0 or not topic["partitions"]]


async def _make(client: AIOKafkaAdminClient, wanted: Mapping[str, NewTopic], made: set[str]) -> dict[str, NewTopic]:
    """Make topics, and add their names to `made`. Another may have made one meanwhile.

    Returns those that the broker, busy or just started, did not get round to. Raises KafkaError.
    """
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
        if not code:
            made.add(name)
        if code not in (0, TopicAlreadyExistsError.errno):
            if not failure.retriable:
                raise failure(name)
            left[name] = wanted[name]
    return left


async def _led(client: AIOKafkaAdminClient, names: Sequence[str]) -> bool:
    """Whether the broker, which learns of a topic after the controller, knows every one with all its leaders."""
    found = await client.describe_topics(list(names))
    return all(topic["error_code"] == 0 and all(part["leader"] >= 0 for part in topic["partitions"]) for topic in found)


async def _client(clients: Clients, deadline: float, waiting: Callable[[str], None]) -> AIOKafkaAdminClient:
    """A client of a broker that names its controller.

    One that has just started names neither itself nor a controller for a moment, and a client that was told so
    never asks again: each look is made with a new one. Raises KafkaError when the last look finds none either.
    """
    while True:
        client = clients.admin()
        try:
            await client.start()
            found = await client.describe_cluster()
            if found["brokers"] and found["controller_id"] >= 0:
                return client
            failure: KafkaError = KafkaConnectionError(f"{clients.servers} names no controller")
        except KafkaError as error:
            failure = error
        await client.close()
        if time.monotonic() > deadline:
            raise failure
        waiting(str(failure))
        await asyncio.sleep(LOOK_EVERY)
