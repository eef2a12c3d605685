"""What the checker may find, each named by what it means for somebody."""

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from tests.faults.evidence import Record


class Fault(StrEnum):
    """One broken promise."""

    LOST = "lost"
    PHANTOM = "phantom"
    TWICE = "applied twice"
    ORDER = "out of order"
    PARTITION = "one key on two partitions"
    STALE = "stale last value"
    EXPIRED = "sent after its expiry"
    CODE_ORDER = "code 1 after code 2"
    COPY = "second copy of a mail"
    BLOCKED = "allowed although kept out"
    CODE = "a code that is not in force"
    AUDIT = "audit not as it was sealed"
    BACKLOG = "never came to its end"


@dataclass(frozen=True)
class Finding:
    """One thing that should not be, in words that name it by id."""

    fault: Fault
    what: str

    def __str__(self) -> str:
        return f"{self.fault}: {self.what}"


def first_occurrences(records: Iterable[Record]) -> list[Record]:
    """Each event once, where it came first: repeats on the wire are what inboxes are for."""
    found: dict[str, Record] = {}
    for record in records:
        found.setdefault(record.id, record)
    return list(found.values())


def compare(what: str, rows: Iterable[Hashable], told: Iterable[Hashable]) -> Iterator[Finding]:
    """Rows against what tells of them, each by what it is about: as many of the one as of the other."""
    there, said = Counter(rows), Counter(told)
    for identity in there.keys() | said.keys():
        yield from bounded(what, identity, said[identity], there[identity], there[identity])


def bounded(what: str, identity: Hashable, found: int, least: int, most: int) -> Iterator[Finding]:
    """Whether something was found often enough and not too often; found although never begun, it is a phantom."""
    if found < least:
        yield Finding(Fault.LOST, f"{what} {identity}: {found} of {least}")
    elif found > most:
        yield Finding(Fault.PHANTOM if most == 0 else Fault.TWICE, f"{what} {identity}: {found} instead of {most}")


def mirrors(
    what: str, original: Mapping[Hashable, object], copy: Mapping[Hashable, object], fault: Fault = Fault.STALE
) -> Iterator[Finding]:
    """Whether a copy says of everything what the original says, and of nothing else."""
    for identity in original.keys() | copy.keys():
        if identity not in copy:
            yield Finding(Fault.LOST, f"{what} {identity} is missing")
        elif identity not in original:
            yield Finding(Fault.PHANTOM, f"{what} {identity} has no original")
        elif original[identity] != copy[identity]:
            yield Finding(fault, f"{what} {identity}: {copy[identity]} instead of {original[identity]}")
