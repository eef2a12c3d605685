"""From Kafka to the mailbox, through the door that the service declares."""

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from uuid_utils.compat import uuid7

from chassis.doors import Doors
from chassis.relay import make_producer
from contracts.cloudevents import Envelope
from contracts.topics import NOTIFICATIONS_REQUESTS
from services.notifications.consumers import SUBSCRIPTIONS
from services.notifications.tests.host import part
from services.notifications.tests.rig import START, Rig, code_mail
from tests.fixtures.servers import Broker


async def test_a_request_on_the_topic_becomes_a_mail(rig: Rig, kafka: Broker, topic_prefix: str) -> None:
    topic = topic_prefix + NOTIFICATIONS_REQUESTS.name
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.servers)
    await admin.start()
    await admin.create_topics([NewTopic(topic, num_partitions=1, replication_factor=1)])
    await admin.close()
    rig.send()
    doors = Doors("notifications", kafka.servers, topic_prefix, rig.unit, SUBSCRIPTIONS)
    await doors.start()
    try:
        request = code_mail("471592")
        envelope = Envelope.around(request, id=uuid7(), source="urn:mandat:test", time=START)
        async with make_producer(kafka.servers) as producer:
            for _ in range(2):
                await producer.send_and_wait(
                    topic, request.model_dump_json().encode(), request.key.encode(), headers=envelope.headers()
                )
        await rig.reaches(request, "sent")
        assert "471 592" in part(rig.host.taken[0], "plain")
    finally:
        await doors.stop()
    assert len(rig.host.taken) == 1
