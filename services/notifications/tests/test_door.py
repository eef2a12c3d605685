"""From Kafka to the mailbox, through the door that the service declares."""

import pytest
from uuid_utils.compat import uuid7

from chassis import topics
from chassis.doors import Doors
from chassis.kafka import Clients
from chassis.relay import make_producer
from chassis.topics import Wanted
from contracts.cloudevents import Envelope
from contracts.notifications import MailRequest
from contracts.topics import ACCOUNTS_EVENTS, NOTIFICATIONS_BULK, NOTIFICATIONS_REQUESTS, Topic
from services.notifications.consumers import SUBSCRIPTIONS
from services.notifications.tests.rig import START, Rig, code_mail, coordinates_mail
from tests.fixtures.servers import Broker

BULK = coordinates_mail().model_copy(update={"priority": "bulk"})


@pytest.mark.parametrize(
    ("asked", "topic"), [(code_mail(), NOTIFICATIONS_REQUESTS), (BULK, NOTIFICATIONS_BULK)], ids=["urgent", "bulk"]
)
async def test_a_request_on_either_topic_becomes_one_mail(
    rig: Rig, kafka: Broker, topic_prefix: str, asked: MailRequest, topic: Topic
) -> None:
    assert asked.destination is topic
    behind = asked.model_copy(update={"delivery_id": uuid7(), "deduplication_id": "behind", "handle": "behind"})
    read = [ACCOUNTS_EVENTS, NOTIFICATIONS_REQUESTS, NOTIFICATIONS_BULK]
    await topics.make(Clients(kafka.servers), Wanted(topic_prefix, read, 1))
    rig.send()
    doors = Doors("notifications", Clients(kafka.servers), topic_prefix, rig.unit, SUBSCRIPTIONS)
    await doors.start()
    try:
        event_ids = {request.delivery_id: uuid7() for request in (asked, behind)}
        async with make_producer(Clients(kafka.servers)) as producer:
            for request in (asked, asked, behind):
                envelope = Envelope.around(
                    request, id=event_ids[request.delivery_id], source="urn:mandat:test", time=START
                )
                await producer.send_and_wait(
                    topic_prefix + topic.name,
                    request.model_dump_json().encode(),
                    request.key.encode(),
                    headers=envelope.headers(),
                )
        for request in (asked, behind):
            await rig.reaches(request, "sent")
    finally:
        await doors.stop()
    assert sorted(str(mail["Message-ID"]) for mail in rig.host.taken) == sorted(
        rig.unit.tools.composer.message_id(request.delivery_id) for request in (asked, behind)
    )
