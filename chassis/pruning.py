"""Rows that are past their use are deleted, a portion at a time. Epochs and dead letters are kept.

The audit is pruned by chassis/audit/pruning.py, which leaves its chains whole.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from prometheus_client import Counter

from chassis.after import INBOX_KEEPS
from chassis.database import Pool

LOCK = 7_263_004  # transaction lock: one worker of a service prunes at a time
PORTION = 100  # pages of 8 KiB that one transaction looks through: a few thousand rows
REST = 0.05  # seconds between two portions, which leaves the disk to others

PRUNED = Counter("mandat_pruned_rows", "Rows that were deleted because they were past their use", ["table"])

PRUNE = "delete from {table} where ctid >= $1 and ctid < $2 and {column} < clock_timestamp() - $3::interval"


@dataclass(frozen=True)
class Rule:
    """Rows of `table` are past their use when `column`, an instant, is older than `keeps`."""

    table: str
    column: str
    keeps: timedelta


RULES = (
    # Longer than any topic keeps a record that could be delivered again, and what Mandat-After counts on.
    Rule("inbox", "applied_at", INBOX_KEEPS),
    # A caller that repeats a request does so within minutes; two days let a batch job be run again after a weekday.
    Rule("idempotency_keys", "created_at", timedelta(hours=48)),
    # The longest window is a day (contracts/agency/limits.py), and a row outside its window says nothing.
    Rule("limits", "window_start", timedelta(days=2)),
    # A token lives minutes: after a day none is left that was signed before its session was revoked.
    Rule("revoked_sessions", "revoked_at", timedelta(days=1)),
)


async def prune(pool: Pool, rules: Sequence[Rule] = RULES) -> None:
    """Go once through each table. Does nothing while another worker is at it."""
    for rule in rules:
        page, pages = 0, 1
        while page < pages:
            pruned = await _prune_portion(pool, rule, page)
            if pruned is None:
                return
            PRUNED.labels(rule.table).inc(pruned)
            page += PORTION
            pages = await pool.fetchval("select pg_relation_size($1::text::regclass) / 8192", rule.table)
            await asyncio.sleep(REST)


async def _prune_portion(pool: Pool, rule: Rule, page: int) -> int | None:
    """How many rows of the pages from `page` on were deleted; None when another worker prunes.

    Pages in their order need no index on an instant, which every message's claim would pay for.
    """
    async with pool.acquire() as connection, connection.transaction():
        if not await connection.fetchval("select pg_try_advisory_xact_lock($1)", LOCK):
            return None
        statement = PRUNE.format(table=rule.table, column=rule.column)
        status = await connection.execute(statement, (page, 0), (page + PORTION, 0), rule.keeps)
        return int(status.rsplit(" ", 1)[1])
