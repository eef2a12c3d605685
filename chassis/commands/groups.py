"""python -m services.NAME reset-groups: after a restore of this service's database to an earlier time."""

import argparse
import asyncio
import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from chassis import settings as environment
from chassis import telemetry
from chassis.commands.answers import FAULTY, OUTAGES, WELL, complain
from chassis.groups.reset import Group, Moved, StillRunning, reset
from chassis.kafka import Clients
from chassis.program import program
from chassis.service import Service, platform
from chassis.settings import Settings
from chassis.work import Actor, Work
from contracts.flow import consumer_name

T = TypeVar("T")

MARGIN = timedelta(minutes=5)  # clocks of brokers and of the database differ, and a restore has a coarse idea of time
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


@dataclass(frozen=True)
class Done:
    """What was moved, and what was asked, for the audit."""

    to: datetime
    margin: timedelta
    moved: list[Moved]


def main(service: Service[T], arguments: Sequence[str]) -> int:
    """Reset every group of the service. Returns 0 when all are, 1 when not, 2 for a wrong command line."""
    asked = _parser(service.name).parse_args(arguments)
    telemetry.configure(service.name, "ERROR")
    try:
        return asyncio.run(_carry_out(service, environment.read(service.settings), asked))
    except StillRunning as error:
        return complain(f"nothing was changed: {error}. Stop every worker of {service.name}, then ask again")
    except OUTAGES as error:
        return complain(f"not finished; ask again once Kafka and the database answer: {error!r}")
    except FAULTY as error:
        return complain(str(error))


def _parser(service: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=program(service, "reset-groups"),
        description="Take the consumer groups back to what a restored database has seen: docs/operations/restore.md.",
    )
    parser.add_argument("--to", required=True, type=_instant, help="what the database was restored to, with a zone")
    parser.add_argument("--margin", type=_duration, default=MARGIN, help="how much earlier to be sure, as 90s or 5m")
    parser.add_argument("--by", required=True, metavar="NAME", help="who you are, for the audit")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    return parser


def _instant(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError("not an instant such as 2026-11-22T10:00:00Z") from None
    if found.tzinfo is None:
        raise argparse.ArgumentTypeError("has no time zone: end it with Z, or with an offset such as -05:00")
    if found > datetime.now(UTC):
        raise argparse.ArgumentTypeError("is in the future")
    return found


def _duration(text: str) -> timedelta:
    match = re.fullmatch(r"(\d{1,6})([smhd])", text)
    if match is None:
        raise argparse.ArgumentTypeError("not a duration such as 90s, 5m, 2h or 1d")
    return timedelta(**{UNITS[match[2]]: int(match[1])})


async def _carry_out(service: Service[T], settings: Settings, asked: argparse.Namespace) -> int:
    topics = {topic for subscription in service.subscriptions for topic in subscription.event.topics()}
    names = [(consumer_name(service.name, topic), topic.name) for topic in sorted(topics, key=lambda one: one.name)]
    prefix = settings.topic_prefix
    groups = [Group(consumer, prefix + consumer, prefix + topic) for consumer, topic in names]
    async with platform(service, settings) as (built, unit):
        moved = await reset(Clients.of(settings), built.pool, groups, asked.to - asked.margin)
        for one in moved:
            before = "–" if one.before is None else one.before
            words = f"{one.group}  {one.topic}-{one.partition}  {before} → {one.after}"
            print(json.dumps(asdict(one)) if asked.json else words)
        await unit.run(_note, Done(asked.to, asked.margin, moved), Actor("operator", asked.by))
    if not asked.json:
        print(f"{len(groups)} groups reset; start the workers, and the inbox absorbs what comes again")
    return WELL


async def _note(work: Work[Any], done: Done) -> None:
    places = {group: {} for group in sorted({one.group for one in done.moved})}  # type: dict[str, dict[str, int]]
    for one in done.moved:
        places[one.group][str(one.partition)] = one.after
    margin = int(done.margin.total_seconds())
    work.audit("groups.reset", to=done.to.isoformat(), margin_seconds=margin, offsets=places)
