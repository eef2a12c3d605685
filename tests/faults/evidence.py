"""Everything that a run left behind, as plain data: what the checker reads, and what a test of it makes up."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.faults.history import Command

Row = Mapping[str, Any]
Tables = Mapping[str, Sequence[Row]]
Place = tuple[str, int, int]
"""Where a record lies: topic, partition, offset."""


@dataclass(frozen=True)
class Record:
    """One record of a topic. `id` is its CloudEvents id, `kind` the event's name without service and version.

    `data` is None for a tombstone. Ids in it are text.
    """

    topic: str
    partition: int
    offset: int
    key: str
    id: str
    kind: str
    data: Mapping[str, Any] | None

    @property
    def place(self) -> Place:
        """Where it lies."""
        return self.topic, self.partition, self.offset


@dataclass(frozen=True)
class Copy:
    """A mail that the host kept, whether or not it `answered`. `received_at` is when its data had ended."""

    message_id: str
    connection: int
    received_at: datetime
    answered: bool = True


@dataclass(frozen=True)
class Backlog:
    """What had not come to its end when patience did. `lag` is by consumer group, `waiting` by what waits."""

    outbox: Mapping[str, int] = field(default_factory=dict)
    dead_letters: Mapping[str, int] = field(default_factory=dict)
    lag: Mapping[str, int] = field(default_factory=dict)
    waiting: Mapping[str, int] = field(default_factory=dict)

    def remaining(self) -> list[str]:
        """What is not zero, in words."""
        found = [f"{count} rows in the outbox of {service}" for service, count in self.outbox.items() if count]
        found += [f"{count} dead letters in {service}" for service, count in self.dead_letters.items() if count]
        found += [f"{group} is {count} records behind" for group, count in self.lag.items() if count]
        return found + [f"{count} {what} wait" for what, count in self.waiting.items() if count]


@dataclass(frozen=True)
class Evidence:
    """A whole run. `tables` are the rows of every service's tables; ids in them are text.

    `records` are the platform's own; `sent_again` counts those that the harness added. `broken` says when a connection
    to the mail host broke, by its number. `audit` is what `audit verify` says that is not as it was sealed; `opened` is
    the digest of each attachment that a command used, as an agent is shown it, None where it does not open. `codes` are
    organizations' codes in clear, by organization and issue; those of the kinds in `coded` have one. `own_numbers` is
    how client numbers begin that the platform draws, `by_code` the method of links that coordinates make.
    """

    commands: Sequence[Command]
    records: Sequence[Record]
    tables: Mapping[str, Tables]
    copies: Sequence[Copy] = ()
    broken: Mapping[int, datetime] = field(default_factory=dict)
    sent_again: int = 0
    backlog: Backlog = Backlog()
    audit: Sequence[str] = ()
    opened: Mapping[str, str | None] = field(default_factory=dict)
    codes: Mapping[tuple[str, int], str] = field(default_factory=dict)
    coded: Collection[str] = ()
    own_numbers: str = "7"
    by_code: str = "linking_coordinates"
