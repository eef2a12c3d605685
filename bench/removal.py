"""A removal: the next check says no; from its commit to a subscriber that holds RelationEnded, beside bare Kafka."""

import asyncio
import json
import time
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import httpx
from aiokafka import AIOKafkaProducer

from bench.measuring import (
    SHOWN,
    bare_commits,
    commits,
    milliseconds,
    now,
    own_stack,
    say,
    spread,
    table,
    times_the_floor,
)
from bench.people import Cast, gather_cast, import_members
from bench.topics import Held, Subscriber
from chassis.kafka import Clients
from chassis.relay import make_producer
from chassis.topics import Wanted
from chassis.topics import make as make_topics
from contracts.authorizations import RelationEnded
from contracts.topics import AUTHORIZATIONS_EVENTS, Kind, Topic
from local.journeys.playing import form, ticked
from local.journeys.portal import Someone
from local.stack import Stack

MEMBERS = 200
WARM_UP = 5  # removals and round trips that are not counted
AIM = "aim: p99 under 50 ms"
BARE = Topic("bench.bare", "as the record that is sent again", Kind.PUBLIC, partitions=AUTHORIZATIONS_EVENTS.partitions)


@dataclass
class Removals:
    """What was measured, one entry a member."""

    wrong_yes: int = 0
    request: list[float] = field(default_factory=list)
    check: list[float] = field(default_factory=list)
    answered: dict[str, datetime] = field(default_factory=dict)  # by contact
    held: dict[str, Held] = field(default_factory=dict)  # by contact
    bare: list[float] = field(default_factory=list)
    flushes: list[float] = field(default_factory=list)


def run(small: bool) -> None:
    """Measure, and print both halves."""
    count = MEMBERS // 10 if small else MEMBERS
    with own_stack() as stack:
        asyncio.run(make_topics(Clients(stack.kafka.servers), Wanted(topics=[BARE])))
        import_members(stack, WARM_UP + count)
        asyncio.run(_measure(stack, count))


async def _measure(stack: Stack, count: int) -> None:
    servers = stack.kafka.servers
    async with (
        httpx.AsyncClient(timeout=20) as http,
        Subscriber(servers, BARE) as bare,
        make_producer(Clients(servers)) as producer,
        bare_commits(stack, "authorizations") as commit,
    ):
        began = time.monotonic()
        cast = await gather_cast(stack, http, WARM_UP + count)
        joined = time.monotonic() - began
        say(f"\n{WARM_UP + count} members joined in {joined:.0f} s; the check says yes for each.")
        body = {"scope": "all", "attestations": ticked(await form(cast.journey, cast.manager, "removal"))}
        found = Removals()
        async with Subscriber(servers, AUTHORIZATIONS_EVENTS) as subscriber:
            for place, member in enumerate(cast.members):
                if place == WARM_UP:
                    found = Removals()
                held = await _remove(cast, member, body, subscriber, found)
                found.bare.append(await _round_trip(producer, bare, held))
                found.flushes.append(await commit())
    await _tell(stack, found)


async def _remove(cast: Cast, member: Someone, body: dict[str, Any], subscriber: Subscriber, found: Removals) -> Held:
    """Remove all of one member's relations and ask at once; returns the RelationEnded that arrived."""
    manager = cast.manager
    manager.after = ""  # nothing is asked to wait
    begun = time.perf_counter()
    removed = await cast.journey.portal.call(
        manager, "authorizations", "POST", f"/v1/contacts/{member.profile}/removals", json=body, expect=200
    )
    answered, found.answered[member.profile] = time.perf_counter(), now()
    found.wrong_yes += await cast.may(member)
    found.request.append((answered - begun) * 1000)
    found.check.append((time.perf_counter() - answered) * 1000)
    while True:
        held = await subscriber.next()
        headers = dict(held.record.headers)
        ended = headers["ce_type"].decode() == RelationEnded.type_name()
        if ended and json.loads(held.record.value)["relation_id"] in removed["relations"]:
            found.held[member.profile] = held
            return held


async def _round_trip(producer: AIOKafkaProducer, bare: Subscriber, held: Held) -> float:
    """The same record on a topic of its own, from a producer like the relay's to a consumer like the subscriber's."""
    record = held.record
    begun = now()
    await producer.send_and_wait(BARE.name, value=record.value, key=record.key, headers=list(record.headers))
    return milliseconds(begun, (await bare.next()).at)


async def _tell(stack: Stack, found: Removals) -> None:
    committed = await commits(stack, "authorizations", "relations_removed", found.held)
    held = found.held
    commit_side = [milliseconds(committed[contact], one.at) for contact, one in held.items()]
    say(f"\nRemoval answered, asked at once: {found.wrong_yes} of {len(found.check)} checks said yes (aim: 0).")
    table(
        f"RelationEnded, in ms ({AIM})",
        SHOWN,
        [
            ("removal committed → subscriber holds it", spread(commit_side)),
            ("floor: the same record, bare Kafka", spread(found.bare)),
            ("times the floor", times_the_floor(commit_side, found.bare)),
            ("beside: one empty commit", spread(found.flushes)),
            (
                "200 answered → subscriber holds it",
                spread([milliseconds(found.answered[c], h.at) for c, h in held.items()]),
            ),
            ("hop: committed → relay sends", spread([milliseconds(committed[c], h.sent_at) for c, h in held.items()])),
            ("hop: sent → subscriber holds it", spread([milliseconds(h.sent_at, h.at) for h in held.values()])),
            ("the removal, asked to answered", spread(found.request)),
            ("the next check, asked to answered", spread(found.check)),
        ],
    )
