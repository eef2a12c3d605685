"""Sealing: entries take their place in their organization's chain, and the chain's new head is published."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from chassis.audit import metrics, storage
from chassis.audit.chain import Entry, Head, digest
from chassis.audit.storage import Seal
from chassis.work import Unit, Work
from contracts.audit import HEADS, AuditSealed

PORTION = 500  # entries in one transaction
EVERY = 1.0  # seconds between two looks: how long an entry may stay where changing it leaves no trace


@dataclass(frozen=True)
class SealPortion:
    """Seal so many entries at most, and publish the heads as events of this class; None: publish nothing."""

    limit: int
    head: type[AuditSealed] | None


async def seal_all(unit: Unit[Any]) -> None:
    """Seal what waits, a portion at a time and only while the outbox has room; nothing while another process does."""
    head = HEADS.get(unit.origin.service)
    sealed = PORTION
    while sealed == PORTION and await storage.any_waits(unit.pool):
        await unit.room()
        sealed = (await unit.run(seal_portion, SealPortion(PORTION, head), unit.origin.itself)).outcome
        metrics.SEALED.inc(sealed)


async def seal_portion(work: Work[Any], command: SealPortion) -> int:
    """Seal the oldest entries that wait, and publish the new heads of their chains. Returns how many it sealed."""
    if not await storage.take_turn(work.connection):
        return 0
    entries = await storage.waiting(work.connection, command.limit)
    seals = chained(entries, await storage.heads(work.connection, {entry.chain_id for entry in entries}))
    await storage.seal(work.connection, seals)
    publish_heads(work, seals, command.head)
    return len(seals)


def publish_heads(work: Work[Any], seals: Sequence[Seal], head: type[AuditSealed] | None) -> None:
    """Publish the head of each chain that has new seals, as events of a class; None: publish nothing."""
    if head is None:
        return
    for last in {seal.chain_id: seal for seal in seals}.values():
        work.publish(head(chain_id=last.chain_id, version=last.sequence, algorithm="sha256", digest=last.digest.hex()))


def chained(entries: Iterable[Entry], heads: dict[UUID, Head]) -> list[Seal]:
    """The seals of entries that follow the heads, in the order of the entries."""
    following, seals = dict(heads), []
    for entry in entries:
        before = following.get(entry.chain_id, Head())
        sequence = before.sequence + 1
        found = digest(entry, sequence, before.digest)
        following[entry.chain_id] = Head(sequence, found)
        seals.append(Seal(entry.chain_id, sequence, entry.id, found))
    return seals
