"""What each service may do at the broker, and what a subscriber outside the platform may. Whatever is not named here is
refused by a broker that asks.

Operations and kinds of resource are named as Kafka's AclOperation and ResourceType write them in its command line's
answers, patterns as its PatternType. Reading and writing each include Kafka's Describe; it is named because people
compare these lists with a broker's.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from contracts import flow
from contracts.audit import HEADS
from contracts.topics import TOPICS, Kind, Topic

SUBSCRIBABLE: tuple[Topic, ...] = tuple(topic for topic in TOPICS if topic.kind in (Kind.PUBLIC, Kind.PUBLIC_STATE))
"""The topics that other systems of the agency may read."""

SUBSCRIBERS = "subscriber."
"""What names of subscribers' groups begin with, so that none is ever a service's."""

Operation = Literal["Create", "Describe", "DescribeConfigs", "Read", "Write"]

WRITING: tuple[Operation, ...] = ("Describe", "Write")
"""Also an idempotent producer's: Kafka wants no right of the cluster's for one since 3.0."""

READING: tuple[Operation, ...] = ("Describe", "Read")
"""Of a group: to join it, to commit and to set its offsets, and to see whether it has members (reset-groups)."""

MAKING: tuple[Operation, ...] = ("Create", "Describe", "DescribeConfigs")


@dataclass(frozen=True)
class Acl:
    """What is allowed on one topic or group, or on each whose name begins so."""

    resource: Literal["topic", "group"]
    name: str
    operations: tuple[Operation, ...]
    pattern: Literal["literal", "prefixed"] = "literal"


def of_service(service: str) -> tuple[Acl, ...]:
    """What a service may: write where it publishes, read where it subscribes, under its groups' names, and read the
    heads of its own audit, which `audit verify` compares."""
    written, subscribed = flow.topics_of(service), flow.topics_read_by(service)
    read = {*subscribed, *(topic for topic in written if topic.name == f"{service}.audit")}
    topics = (
        Acl(
            "topic",
            topic.name,
            tuple(sorted({*(WRITING if topic in written else ()), *(READING if topic in read else ())})),
        )
        for topic in TOPICS
        if topic in written or topic in read
    )
    groups = (Acl("group", flow.consumer_name(service, topic), READING) for topic in subscribed)
    return (*topics, *groups)


def of_maker(service: str) -> tuple[Acl, ...]:
    """What a service may besides where `topics` makes those that it publishes on, and compares their settings."""
    return tuple(Acl("topic", topic.name, MAKING) for topic in flow.topics_of(service))


def of_auditor() -> tuple[Acl, ...]:
    """What whoever verifies the audits may: read the heads that services publish, in no group."""
    return tuple(Acl("topic", head.topic.name, READING) for head in HEADS.values())


def of_subscriber(name: str, topics: Iterable[Topic] = SUBSCRIBABLE) -> tuple[Acl, ...]:
    """What another system of the agency may: read public topics, in groups whose names begin with its own. Raises
    ValueError for a topic that is not public, and for a name with a dot: the groups of "a.b" begin as those of "a"."""
    found = tuple(topics)
    if not name or "." in name:
        raise ValueError(f"no name of a subscriber, which has no dot: {name!r}")
    if kept := [topic.name for topic in found if topic not in SUBSCRIBABLE]:
        raise ValueError(f"not public: {', '.join(kept)}")
    groups = Acl("group", f"{SUBSCRIBERS}{name}.", READING, "prefixed")
    return (*(Acl("topic", topic.name, READING) for topic in found), groups)
