"""Whether the chains are still what was sealed: the first entry of each that was changed, is missing or was cut off.

Every chain is walked from where it begins, each digest computed anew. One whose oldest entries were deleted for their
age begins after them, and one of its sealed entries says so (chassis/audit/pruning.py); without that they are missing.
What the database alone can tell is found by that; a chain that was rewritten as a whole, or whose end was cut off with
its head, is found by heads that were published before (contracts/audit.py), or that somebody has kept.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

from chassis.audit import storage
from chassis.audit.chain import PRUNED, Entry, Head, checkpoint_of, digest
from chassis.audit.storage import Chain, Seal
from chassis.database import Connection

PATIENCE = timedelta(minutes=1)  # an entry that has waited longer is not merely the newest
SEALED_LATE = timedelta(days=3)  # an outage of the sealer, after which an entry's head is so much younger than itself


@dataclass(frozen=True)
class KnownHead:
    """A head that was published, or kept by somebody; `where` it was found, for an operator. `at`: when, if known."""

    chain_id: UUID
    head: Head
    where: str
    at: datetime | None = None


@dataclass(frozen=True)
class Fault:
    """What is wrong, in a sentence, with which chain and which entry of it by its number; None where there is none."""

    chain_id: UUID | None
    sequence: int | None
    words: str


@dataclass
class Verified:
    """What was looked at, and the first fault of each chain."""

    chains: int = 0
    entries: int = 0
    heads: int = 0
    faults: list[Fault] = field(default_factory=list)


class Walk:
    """One chain, entry by entry from its beginning; `fault` is the first that was found."""

    def __init__(self, chain_id: UUID, chain: Chain | None, known: Iterable[KnownHead], keeps: timedelta) -> None:
        """`chain` is its head as the database has it, `known` are heads that others have.

        `keeps` is for how long entries are kept.
        """
        self._chain_id = chain_id
        self._chain = chain
        self._keeps = keeps
        self._checkpoint: Entry | None = None
        self._known: dict[int, list[KnownHead]] = {}
        for one in known:
            self._known.setdefault(one.head.sequence, []).append(one)
        self._at = chain.beginning if chain is not None else Head()
        self._beginning = self._at
        self.fault: Fault | None = None
        self._compare()

    def take(self, seal: Seal, entry: Entry | None) -> None:
        """The next seal by its number, and the entry that it seals, if that is still there."""
        if self.fault is not None:
            return
        expected = self._at.sequence + 1
        if seal.sequence != expected:
            self._find(expected, f"{_entries(expected, seal.sequence - 1)} missing")
        elif entry is None:
            self._find(expected, f"entry {expected} is missing (row {seal.entry_id}); its seal is there")
        elif digest(entry, expected, self._at.digest) != seal.digest:
            what = f"row {entry.id}, {entry.action}, {entry.at:%Y-%m-%d %H:%M:%S %Z}"
            self._find(expected, f"entry {expected} ({what}) is not what was sealed: it was changed or exchanged")
        else:
            self._at = Head(expected, seal.digest)
            self._compare()
            if entry.action == PRUNED and checkpoint_of(self._beginning).items() <= entry.detail.items():
                self._checkpoint = entry

    def end(self) -> Fault | None:
        """There are no more seals. Returns the first fault of the chain."""
        if self.fault is not None:
            return self.fault
        last = self._at.sequence
        beyond = [one for sequence, heads in self._known.items() if sequence > last for one in heads]
        if beyond:
            furthest = max(beyond, key=lambda one: one.head.sequence)
            cut = _entries(last + 1, furthest.head.sequence)
            self._find(last + 1, f"cut off: {cut} missing, which a head counts that was published ({furthest.where})")
        elif self._chain is None:
            self._find(None, f"its head is missing, after {last} entries")
        elif last < self._chain.head.sequence:
            cut = _entries(last + 1, self._chain.head.sequence)
            self._find(last + 1, f"cut off: {cut} missing, which its head counts")
        elif self._at != self._chain.head:
            self._find(None, f"its head is not that of its last entry, {last}")
        else:
            self._check_beginning()
        return self.fault

    def _check_beginning(self) -> None:
        """Whether what is not there any more was deleted for its age: a sealed entry says so, and no head says no."""
        gone = self._beginning.sequence
        if gone == 0:
            return
        if self._checkpoint is None:
            self._find(1, f"{_entries(1, gone)} missing, and no sealed entry says that they were deleted for their age")
            return
        young = min(self._checkpoint.at, datetime.now(UTC)) - self._keeps + SEALED_LATE
        for one in [one for sequence, heads in self._known.items() if sequence <= gone for one in heads]:
            if one.at is not None and one.at > young:
                words = "gone too soon, as a head says that was published"
                self._find(one.head.sequence, f"{_entries(one.head.sequence, gone)} {words} ({one.where})")

    def _compare(self) -> None:
        """Whether the heads that others have of this very place are ours."""
        for one in self._known.get(self._at.sequence, ()):
            if one.head.digest != self._at.digest:
                words = f"rewritten: up to entry {self._at.sequence}, it is not the chain whose head was published"
                self._find(self._at.sequence, f"{words} ({one.where})")

    def _find(self, sequence: int | None, words: str) -> None:
        self.fault = self.fault or Fault(self._chain_id, sequence, words)


async def verify(connection: Connection, heads: Sequence[KnownHead], keeps: timedelta) -> Verified:
    """Walk every chain of a service's database. The heads that others have must have been read before.

    `keeps` is for how long entries are kept, by the agency's data.
    """
    found = Verified(heads=len(heads))
    known: dict[UUID, list[KnownHead]] = {}
    for one in heads:
        known.setdefault(one.chain_id, []).append(one)
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        chains = await storage.chains(connection)
        unseen = {*chains, *known}
        walk, chain_id = None, None
        async for seal, entry in storage.sealed(connection):
            if walk is None or seal.chain_id != chain_id:
                _end(walk, found)
                chain_id = seal.chain_id
                unseen.discard(chain_id)
                walk = Walk(chain_id, chains.get(chain_id), known.get(chain_id, ()), keeps)
            walk.take(seal, entry)
            found.entries += 1
        _end(walk, found)
        for empty in sorted(unseen):
            _end(Walk(empty, chains.get(empty), known.get(empty, ()), keeps), found)
        found.faults += [
            Fault(entry.chain_id, None, f"row {entry.id} ({entry.action}) was put in past the sealer")
            for entry in await storage.smuggled(connection)
        ]
        found.faults += [
            Fault(None, None, f"row {entry_id} was deleted before it was sealed")
            for entry_id in await storage.lost(connection)
        ]
        since = await storage.waiting_since(connection)
        if since is not None and datetime.now(UTC) - since > PATIENCE:
            words = f"entries wait to be sealed since {since:%Y-%m-%d %H:%M:%S %Z}: no worker seals"
            found.faults.append(Fault(None, None, words))
    return found


async def not_as_sealed(connection: Connection, entries: Sequence[Entry]) -> set[int]:
    """Ids of those entries that are not what was sealed; the newest, which wait to be, are not among them.

    Each is compared with its own seal alone, for a reader of that one thing: `verify` walks the chains.
    """
    faulty = set[int]()
    for chain_id in {entry.chain_id for entry in entries}:
        ours = {entry.id: entry for entry in entries if entry.chain_id == chain_id}
        places = await storage.places(connection, chain_id, list(ours))
        newest = await storage.waiting_among(connection, [entry_id for entry_id in ours if entry_id not in places])
        for entry_id, entry in ours.items():
            place = places.get(entry_id)
            if place is None:
                stands = entry_id in newest
            else:
                stands = place.previous is not None and digest(entry, place.sequence, place.previous) == place.digest
            faulty |= set() if stands else {entry_id}
    return faulty


def _end(walk: Walk | None, found: Verified) -> None:
    if walk is None:
        return
    found.chains += 1
    if fault := walk.end():
        found.faults.append(fault)


def _entries(first: int, last: int) -> str:
    return f"entry {first} is" if first >= last else f"entries {first} to {last} are"
