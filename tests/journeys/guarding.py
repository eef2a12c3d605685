"""What a broker must refuse, tried by clients that sign in as those whom it should refuse."""

import asyncio

import pytest
from aiokafka import ConsumerRecord
from aiokafka.errors import GroupAuthorizationFailedError, KafkaError, TopicAuthorizationFailedError, for_code

from chassis import topics
from chassis.kafka import Clients
from chassis.settings import KafkaSettings
from chassis.topics import Wanted
from contracts import flow
from contracts.acls import SUBSCRIBABLE, SUBSCRIBERS
from contracts.topics import ACCOUNTS_EVENTS, ACCOUNTS_PEOPLE, AUTHORIZATIONS_AUDIT, TOPICS, Topic
from local.guarded import AUDITOR, MADE, MAKER, SUBSCRIBER, GuardedKafka
from tests.fixtures.patience import PATIENCE

SUBSCRIBERS_GROUP = f"{SUBSCRIBERS}{SUBSCRIBER}.copy"


async def refuses_what_is_not_named(kafka: GuardedKafka) -> None:
    """After a journey, which left people and events on their topics."""
    await _refused(TopicAuthorizationFailedError, kafka, "notifications", ACCOUNTS_PEOPLE, None)
    await _refused(GroupAuthorizationFailedError, kafka, "notifications", ACCOUNTS_EVENTS, "linking.accounts.events")
    await _cannot_write(kafka, "notifications", ACCOUNTS_PEOPLE)
    await _cannot_write(kafka, SUBSCRIBER, ACCOUNTS_EVENTS)
    assert (await _first(kafka, "authorizations", AUTHORIZATIONS_AUDIT, None)).value  # as `audit verify` reads it
    await _refused(TopicAuthorizationFailedError, kafka, "linking", AUTHORIZATIONS_AUDIT, None)
    assert (await _first(kafka, AUDITOR, AUTHORIZATIONS_AUDIT, None)).value
    await _cannot_write(kafka, AUDITOR, AUTHORIZATIONS_AUDIT)
    await _refused(TopicAuthorizationFailedError, kafka, AUDITOR, ACCOUNTS_EVENTS, None)
    async with asyncio.timeout(PATIENCE):
        while not await _members(kafka, "linking", "linking.accounts.events"):  # as `reset-groups` looks for them
            await asyncio.sleep(0.2)
    with pytest.raises(GroupAuthorizationFailedError):
        await _members(kafka, "notifications", "linking.accounts.events")

    assert (await _first(kafka, SUBSCRIBER, ACCOUNTS_EVENTS, SUBSCRIBERS_GROUP)).value
    for topic in set(TOPICS) - set(SUBSCRIBABLE):
        await _refused(TopicAuthorizationFailedError, kafka, SUBSCRIBER, topic, None)
    await _refused(GroupAuthorizationFailedError, kafka, SUBSCRIBER, ACCOUNTS_EVENTS, "linking.accounts.events")
    await _refused(GroupAuthorizationFailedError, kafka, SUBSCRIBER, ACCOUNTS_EVENTS, f"{SUBSCRIBERS}another.copy")


async def lets_make_what_is_published_on(kafka: GuardedKafka) -> None:
    """What `topics` does, with the rights for it and with no others."""
    clients, published = _clients(kafka, MAKER), flow.topics_of("notifications")
    assert await topics.make(clients, Wanted(MADE, published, 1)) == [MADE + topic.name for topic in published]
    assert await topics.differences(clients, Wanted(MADE, published, partitions=1)) == []
    with pytest.raises(TopicAuthorizationFailedError):
        await topics.make(clients, Wanted(MADE, [ACCOUNTS_PEOPLE], 1))


async def _refused(kind: type[KafkaError], kafka: GuardedKafka, name: str, topic: Topic, group: str | None) -> None:
    with pytest.raises(kind):
        await _first(kafka, name, topic, group)


async def _first(kafka: GuardedKafka, name: str, topic: Topic, group: str | None) -> ConsumerRecord:
    """The first record that comes from a topic."""
    consumer = _clients(kafka, name).consumer(topic.name, group_id=group, auto_offset_reset="earliest")
    try:
        async with asyncio.timeout(PATIENCE):
            await consumer.start()
            return await consumer.getone()
    finally:
        await consumer.stop()


async def _members(kafka: GuardedKafka, name: str, group: str) -> int:
    """How many take part in a group."""
    client = _clients(kafka, name).admin()
    await client.start()
    try:
        [answer] = await client.describe_consumer_groups([group])
    finally:
        await client.close()
    [[code, _, _, _, _, members, *_]] = answer.groups
    if code:
        raise for_code(code)(group)
    return len(members)


async def _cannot_write(kafka: GuardedKafka, name: str, topic: Topic) -> None:
    async with _clients(kafka, name).producer() as producer, asyncio.timeout(PATIENCE):
        with pytest.raises(TopicAuthorizationFailedError):
            await producer.send_and_wait(topic.name, b"{}")


def _clients(kafka: GuardedKafka, name: str) -> Clients:
    """Those of a process that signs in so."""
    told = {variable.removeprefix("MANDAT_").lower(): value for variable, value in kafka.told(name).items()}
    return Clients.of(KafkaSettings.model_validate(told))
