"""Reads what a run left behind: every table, every topic from its beginning, every mail; and waits for it to settle."""

import asyncio
import hashlib
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import httpx
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from chassis.database import neighbour_failed
from chassis.kafka import Clients
from chassis.sealing import Vault
from contracts.cloudevents import read_envelope
from contracts.flow import READERS, consumer_name
from contracts.topics import TOPICS
from local.ports import SERVICES
from tests.faults.evidence import Backlog, Copy, Evidence, Place, Record, Row
from tests.faults.ground import Ground
from tests.faults.history import LONG_AGO, History

Ends = Mapping[TopicPartition, int]
"""How far each partition goes."""

LOOK_EVERY = 0.2
ASKS = 100
TELL_EVERY = 5.0
HIDDEN = {"signing_keys", "refresh_tokens", "limits", "schema_migrations"}
"""Tables that say nothing about deliveries, and should not stand in evidence that is kept."""

WAITING = (
    ("notifications", "mails", "select count(*) from mails where due_at is not null"),
    ("authorizations", "contacts of a batch",
     "select count(*) from linking_code_batch_items where generation is null and skipped is null"),
    ("authorizations", "claims to decide", "select count(*) from claims where decided_at is null"),
    ("authorizations", "organizations that others may act for", "select count(*) from acting_changed"),
    ("authorizations", "imports", "select count(*) from imports where state = 'waiting'"),
    ("authorizations", "requests that nobody was told of", "select count(*) from requests where to_tell is not null"),
    ("authorizations", "organizations of a round of digests", "select count(*) from digests_waiting"),
    ("authorizations", "requests past their last day",
     f"select count(*) from requests where settled_at is null and lapses_on <= '{LONG_AGO:%F}'"),
    ("authorizations", "attachments past their time",
     f"select count(*) from attachments where used_at <= '{LONG_AGO.isoformat()}'"),
    ("authorizations", "rounds of digests", "select (not exists (select from notice_rounds))::int"),
    *((service, f"entries of {service}'s audit", "select count(*) from audit_unsealed") for service in SERVICES),
)  # fmt: skip
"""What waits for its turn: the service, what in words, and how it is counted."""

GROUPS = sorted(
    {
        (consumer_name(service, topic), topic.name)
        for event, services in READERS.items()
        for service in services
        for topic in event.topics()
    }
)


async def settled(ground: Ground, patience: float, say: Callable[[str], None]) -> Backlog:
    """What remains when nothing does any more, or when patience (seconds) ends.

    One look takes a while, in which what was counted late may become what was counted early: a record that is handled
    between the two leaves a row in an outbox that was empty. So nothing remains when two looks in a row say so and no
    record came in between.
    """
    began, told = asyncio.get_running_loop().time(), 0.0
    deadline = began + patience
    admin = ground.kafka_clients.admin()
    consumer = ground.kafka_clients.consumer()
    await admin.start()
    await consumer.start()
    quiet_since: Ends | None = None
    try:
        while True:
            backlog, ends = await _look_when_there(ground, admin, consumer)
            is_quiet = not backlog.remaining() and ends == quiet_since
            quiet_since = None if backlog.remaining() else ends
            if is_quiet or asyncio.get_running_loop().time() > deadline:
                return backlog
            if (now := asyncio.get_running_loop().time()) > told + TELL_EVERY and backlog.remaining():
                say(f"{now - began:4.0f} s: {', '.join(backlog.remaining())}")
                told = now
            await asyncio.sleep(LOOK_EVERY)
    finally:
        await consumer.stop()
        await admin.close()


async def collect(
    ground: Ground,
    history: History,
    sent_again: Collection[Place],
    backlog: Backlog,
    opened: Mapping[str, str | None],
) -> Evidence:
    """Everything, once nothing changes any more. Of the records those that the harness did not add."""
    tables = {service: await _tables(ground.database(service)) for service in SERVICES}
    async with httpx.AsyncClient(base_url=ground.control, timeout=30, trust_env=False) as http:
        taken, broken = (await http.get("/taken")).json(), (await http.get("/broken")).json()
    audit = await ground.verify_audit()
    return Evidence(
        commands=history.commands,
        records=[record for record in await _records(ground.kafka_clients) if record.place not in sent_again],
        tables=tables,
        copies=[
            Copy(m["message_id"], m["connection"], datetime.fromisoformat(m["received_at"]), m["answered"])
            for m in taken
        ],
        broken={int(number): datetime.fromisoformat(at) for number, at in broken.items()},
        sent_again=len(sent_again),
        backlog=backlog,
        audit=audit,
        opened=opened,
        codes=_codes(ground, tables["linking"]["organization_codes"]),
        coded={kind.code for kind in ground.offers.agency.organization_kinds.values() if kind.has_code},
        by_code=ground.offers.coordinates,
        own_numbers=ground.offers.agency.profile.client_numbers.first[0],
    )


async def open_attachments(ground: Ground, history: History) -> dict[str, str | None]:
    """Each attachment that went with a form: the digest of what an agent is shown, None where it does not open.

    Each look is an entry of the audit, so it comes before everything is read.
    """
    found: dict[str, str | None] = {}
    async with httpx.AsyncClient(timeout=30, trust_env=False) as http:
        agent = (await http.post(f"{ground.demo_issuer}/token", json={"name": "demo-agent-2"})).json()
        headers = {"Authorization": f"Bearer {agent['access_token']}"}
        for attachment in filter(None, (command.asked.get("attachment_id") for command in history.commands)):
            path = f"{ground.gateway('authorizations')}/v1/attachments/{attachment}"
            answer = await _answered(http, path, headers)
            found[attachment] = hashlib.sha256(answer.content).hexdigest() if answer.status_code == 200 else None
    return found


async def _answered(http: httpx.AsyncClient, path: str, headers: Mapping[str, str]) -> httpx.Response:
    """A gateway whose database has just come back may say once more that it is away, and is asked again."""
    for _ in range(ASKS):
        answer = await http.get(path, headers=headers)
        if answer.status_code != 503:
            break
        await asyncio.sleep(LOOK_EVERY)
    return answer


def _codes(ground: Ground, rows: Sequence[Row]) -> dict[tuple[str, int], str]:
    """What those read who may read an organization's code again."""
    vault = Vault(ground.keyring("linking"))
    return {(row["organization_id"], row["issue"]): vault.unlock(row["kept"]).decode() for row in rows}


async def _look_when_there(
    ground: Ground, admin: AIOKafkaAdminClient, consumer: AIOKafkaConsumer
) -> tuple[Backlog, Ends]:
    """A broker that has just come back knows its groups a moment later than it listens: until then that is waited for.

    Raises what is not a neighbour's failure.
    """
    try:
        return await _look(ground, admin, consumer)
    except Exception as error:
        if not isinstance(error, KafkaError) and not neighbour_failed(error):
            raise
        return Backlog(waiting={f"answers ({type(error).__name__})": 1}), {}


async def _look(ground: Ground, admin: AIOKafkaAdminClient, consumer: AIOKafkaConsumer) -> tuple[Backlog, Ends]:
    outbox, parked, waiting = {}, {}, {}
    for service in SERVICES:
        connection = await asyncpg.connect(ground.database(service))
        try:
            outbox[service] = await connection.fetchval("select count(*) from outbox")
            parked[service] = await connection.fetchval("select count(*) from dead_letters")
            for what, query in ((what, query) for whose, what, query in WAITING if whose == service):
                waiting[what] = await connection.fetchval(query)
        finally:
            await connection.close()
    lag, ends = await _lag(admin, consumer)
    return Backlog(outbox, parked, lag, waiting), ends


async def _lag(admin: AIOKafkaAdminClient, consumer: AIOKafkaConsumer) -> tuple[Mapping[str, int], Ends]:
    committed = {group: await admin.list_consumer_group_offsets(group) for group, _ in GROUPS}
    places = [TopicPartition(topic.name, number) for topic in TOPICS for number in range(topic.partitions)]
    ends = await consumer.end_offsets(places)
    found = {}
    for group, topic in GROUPS:
        done = {place: offset.offset for place, offset in committed[group].items()}
        found[group] = sum(end - max(0, done.get(place, 0)) for place, end in ends.items() if place.topic == topic)
    return found, ends


async def _tables(url: str) -> dict[str, list[Row]]:
    connection = await asyncpg.connect(url)
    try:
        await connection.set_type_codec("jsonb", schema="pg_catalog", encoder=json.dumps, decoder=json.loads)
        names = await connection.fetch("select tablename from pg_tables where schemaname = 'public'")
        return {
            name: [_plain(row) for row in await connection.fetch(f'select * from "{name}"')]
            for (name,) in names
            if name not in HIDDEN
        }
    finally:
        await connection.close()


def _plain(row: asyncpg.Record) -> Row:
    return {name: str(value) if isinstance(value, UUID) else value for name, value in row.items()}


async def _records(clients: Clients) -> list[Record]:
    consumer = clients.consumer(isolation_level="read_committed")
    await consumer.start()
    found: list[Record] = []
    try:
        places = [TopicPartition(topic.name, number) for topic in TOPICS for number in range(topic.partitions)]
        consumer.assign(places)
        await consumer.seek_to_beginning(*places)
        ends = await consumer.end_offsets(places)
        while any([await consumer.position(place) < end for place, end in ends.items()]):
            for batch in (await consumer.getmany(timeout_ms=500)).values():
                found += [_record(record) for record in batch]
    finally:
        await consumer.stop()
    return sorted(found, key=lambda record: (record.topic, record.partition, record.offset))


def _record(record: Any) -> Record:
    envelope = read_envelope(record.headers)
    data = None if record.value is None else json.loads(record.value)
    kind = envelope.type.split(".")[2]
    return Record(record.topic, record.partition, record.offset, record.key.decode(), str(envelope.id), kind, data)
