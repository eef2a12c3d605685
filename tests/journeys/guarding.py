"""What a broker must refuse, tried by clients that sign in as those whom it should refuse."""

import asyncio
import ssl
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord
from aiokafka.errors import GroupAuthorizationFailedError, KafkaError, TopicAuthorizationFailedError

from contracts.acls import SUBSCRIBABLE, SUBSCRIBERS
from contracts.topics import ACCOUNTS_EVENTS, ACCOUNTS_PEOPLE, AUTHORIZATIONS_AUDIT, TOPICS, Topic
from local.guarded import SUBSCRIBER, GuardedKafka
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

    assert (await _first(kafka, SUBSCRIBER, ACCOUNTS_EVENTS, SUBSCRIBERS_GROUP)).value
    for topic in set(TOPICS) - set(SUBSCRIBABLE):
        await _refused(TopicAuthorizationFailedError, kafka, SUBSCRIBER, topic, None)
    await _refused(GroupAuthorizationFailedError, kafka, SUBSCRIBER, ACCOUNTS_EVENTS, "linking.accounts.events")
    await _refused(GroupAuthorizationFailedError, kafka, SUBSCRIBER, ACCOUNTS_EVENTS, f"{SUBSCRIBERS}another.copy")


async def _refused(kind: type[KafkaError], kafka: GuardedKafka, name: str, topic: Topic, group: str | None) -> None:
    with pytest.raises(kind):
        await _first(kafka, name, topic, group)


async def _first(kafka: GuardedKafka, name: str, topic: Topic, group: str | None) -> ConsumerRecord:
    """The first record that comes from a topic."""
    consumer = AIOKafkaConsumer(topic.name, group_id=group, auto_offset_reset="earliest", **_signed_in(kafka, name))
    try:
        async with asyncio.timeout(PATIENCE):
            await consumer.start()
            return await consumer.getone()
    finally:
        await consumer.stop()


async def _cannot_write(kafka: GuardedKafka, name: str, topic: Topic) -> None:
    async with AIOKafkaProducer(**_signed_in(kafka, name)) as producer, asyncio.timeout(PATIENCE):
        with pytest.raises(TopicAuthorizationFailedError):
            await producer.send_and_wait(topic.name, b"{}")


def _signed_in(kafka: GuardedKafka, name: str) -> dict[str, Any]:
    return {
        "bootstrap_servers": kafka.guarded_servers,
        "security_protocol": "SASL_SSL",
        "ssl_context": ssl.create_default_context(cafile=kafka.authority),
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": name,
        "sasl_plain_password": kafka.password_file(name).read_text(),
    }
