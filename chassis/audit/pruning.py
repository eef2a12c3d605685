"""Pruning: the oldest entries of a chain are deleted for their age, and the chain itself says so.

The deletion is an entry like any other: it names the last entry that is gone and the digest up to it, is sealed at once
as the newest of its chain, and the chain's new head is published, all in the transaction that deletes. So whoever
verifies begins where the chain now begins, goes by the digest there, and must meet that entry further on. What does not
verify is never pruned: a fault is not deleted for its age.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any
from uuid import UUID

import structlog

from chassis.audit import storage
from chassis.audit.chain import PRUNED, Entry, Head, checkpoint_of, digest
from chassis.audit.sealing import chained, publish_heads
from chassis.pruning import PRUNED as ROWS
from chassis.work import Unit, Work
from contracts.audit import HEADS, NO_ORGANIZATION, AuditSealed

log = structlog.get_logger()

PORTION = 5_000  # entries of one chain in one transaction, during which nothing is sealed
CHAINS = 1_000  # chains found at once
EVERY = 3600.0  # seconds
SPARE = timedelta(days=31)  # past its time before a chain is pruned: one entry about it a month, not one a day


@dataclass(frozen=True)
class PruneChain:
    """Delete the oldest entries of a chain from before an instant, so many at most; publish its head as this class."""

    chain_id: UUID
    before: datetime
    limit: int
    head: type[AuditSealed] | None


async def prune_all(unit: Unit[Any], keeps: timedelta) -> None:
    """Prune every chain whose oldest entry is past its time, only while the outbox has room."""
    before = unit.origin.clock() - keeps
    head = HEADS.get(unit.origin.service)
    last = None
    while chain_ids := await storage.prunable(unit.pool, before - SPARE, last, CHAINS):
        for chain_id in chain_ids:
            pruned = PORTION
            while pruned == PORTION:
                await unit.room()
                command = PruneChain(chain_id, before, PORTION, head)
                pruned = (await unit.run(prune_chain, command, unit.origin.itself)).outcome
                ROWS.labels("audit").inc(pruned)
        last = chain_ids[-1]


async def prune_chain(work: Work[Any], command: PruneChain) -> int:
    """Returns how many entries were deleted: none of a chain that is not what was sealed."""
    await storage.wait_for_turn(work.connection)
    chain = await storage.chain(work.connection, command.chain_id)
    old = await storage.oldest(work.connection, command.chain_id, chain.beginning.sequence, command.limit)
    last, past = chain.beginning, list[Entry]()
    for seal, entry in takewhile(lambda one: one[1] is None or one[1].at < command.before, old):
        expected = last.sequence + 1
        if entry is None or seal.sequence != expected or digest(entry, expected, last.digest) != seal.digest:
            log.error("chain of the audit not pruned: not what was sealed", chain=command.chain_id, sequence=expected)
            return 0
        last = Head(expected, seal.digest)
        past.append(entry)
    if all(entry.action == PRUNED for entry in past):  # else a chain at rest would tell of its prunings for ever
        return 0
    checkpoint = await storage.add(
        work.connection,
        work.now,
        None if command.chain_id == NO_ORGANIZATION else command.chain_id,
        work.actor,
        PRUNED,
        {**checkpoint_of(last), "before": command.before.isoformat()},
        work.origin.data_version,
    )
    seals = chained([checkpoint], {command.chain_id: chain.head})
    await storage.seal(work.connection, seals)
    publish_heads(work, seals, command.head)
    await storage.begin_after(work.connection, command.chain_id, last, [entry.id for entry in past])
    return len(past)
