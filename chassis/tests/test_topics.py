"""Topics are made as the contracts say, whoever else makes them; those that are there are compared and left alone."""

import asyncio

import pytest
from aiokafka.admin import NewTopic
from aiokafka.errors import KafkaError

from chassis.kafka import Clients
from chassis.topics import Wanted, differences, make
from contracts.topics import ACCOUNTS_EVENTS, ACCOUNTS_PEOPLE
from local.ports import free_ports
from tests.fixtures.servers import Broker

BOTH = (ACCOUNTS_EVENTS, ACCOUNTS_PEOPLE)


async def test_several_that_make_topics_at_once_make_each_as_the_contracts_say(
    kafka: Broker, topic_prefix: str
) -> None:
    clients, wanted = Clients(kafka.servers), Wanted(topic_prefix, BOTH)

    made = await asyncio.gather(*[make(clients, wanted) for _ in range(3)])

    assert {name for names in made for name in names} == {topic_prefix + topic.name for topic in BOTH}
    assert await differences(clients, wanted) == []
    assert await make(clients, wanted) == []


async def test_a_topic_that_is_there_is_left_as_it_is_and_what_differs_is_told(
    kafka: Broker, topic_prefix: str
) -> None:
    clients, wanted = Clients(kafka.servers), Wanted(topic_prefix, BOTH)
    name = topic_prefix + ACCOUNTS_PEOPLE.name
    admin = clients.admin()
    await admin.start()
    try:
        await admin.create_topics([NewTopic(name, 2, 1, topic_configs={"cleanup.policy": "delete"})])
    finally:
        await admin.close()

    assert await make(clients, wanted) == [topic_prefix + ACCOUNTS_EVENTS.name]

    told = await differences(clients, wanted)
    assert [words.removeprefix(f"{name}: ").partition(":")[0] for words in told] == [
        "2 partitions, not 12",
        "cleanup.policy is delete, not compact",
        "delete.retention.ms is 86400000, not 604800000",
        "min.compaction.lag.ms is 0, not 7200000",
    ]
    two = Wanted(topic_prefix, [ACCOUNTS_EVENTS], replicas=2)
    assert await differences(clients, two) == [f"{topic_prefix}{ACCOUNTS_EVENTS.name}: 1 replicas, not 2"]


async def test_brokers_that_are_not_there_are_waited_for_and_then_told_of() -> None:
    told: list[str] = []
    with pytest.raises(KafkaError):
        await make(Clients(f"127.0.0.1:{free_ports(1)[0]}"), Wanted(), 3, told.append)
    assert told
