"""Rows of the audit: what waits to be sealed, the seals, and the heads of the chains."""

from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from chassis.audit.chain import BEGINNING, COLUMNS, Entry
from chassis.database import Connection, Pool

LOCK = 7_263_005  # transaction lock: one process of a service seals at a time

ENTRY_COLUMNS = ", ".join(f"a.{name}" for name in COLUMNS)
ENTRIES = f"select {ENTRY_COLUMNS} from audit a"


@dataclass(frozen=True)
class Head:
    """How far a chain has come: the number of its last entry, and the digest up to it."""

    sequence: int = 0
    digest: bytes = BEGINNING


@dataclass(frozen=True)
class Seal:
    """An entry's place in its chain, and the digest up to it."""

    chain_id: UUID
    sequence: int
    entry_id: int
    digest: bytes


@dataclass(frozen=True)
class Chain:
    """A chain as the database has it: its head, and what its oldest entry follows (nothing, until it is pruned)."""

    head: Head
    beginning: Head


async def any_waits(pool: Pool) -> bool:
    """Whether there is an entry to be sealed."""
    found: bool = await pool.fetchval("select exists (select from audit_unsealed)")
    return found


async def take_turn(connection: Connection) -> bool:
    """Be the one who seals, until the transaction ends. False when another process is."""
    taken: bool = await connection.fetchval("select pg_try_advisory_xact_lock($1)", LOCK)
    return taken


async def waiting(connection: Connection, limit: int) -> list[Entry]:
    """The oldest entries that are not sealed yet, by id."""
    rows = await connection.fetch(
        f"{ENTRIES} join audit_unsealed u on u.entry_id = a.id order by u.entry_id limit $1", limit
    )
    return [Entry(*row) for row in rows]


async def heads(connection: Connection, chain_ids: Collection[UUID]) -> dict[UUID, Head]:
    """The heads of chains; one that has not begun is absent."""
    rows = await connection.fetch(
        "select chain_id, sequence, digest from audit_chains where chain_id = any($1::uuid[])", list(chain_ids)
    )
    return {row["chain_id"]: Head(row["sequence"], row["digest"]) for row in rows}


async def seal(connection: Connection, seals: Sequence[Seal]) -> None:
    """Write seals in the order of their chains, and move the heads. What they seal waits no more."""
    await connection.execute(
        "insert into audit_seals (chain_id, sequence, entry_id, digest)"
        " select * from unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bytea[])",
        [one.chain_id for one in seals],
        [one.sequence for one in seals],
        [one.entry_id for one in seals],
        [one.digest for one in seals],
    )
    last = {one.chain_id: one for one in seals}
    await connection.execute(
        "insert into audit_chains (chain_id, sequence, digest)"
        " select * from unnest($1::uuid[], $2::bigint[], $3::bytea[])"
        " on conflict (chain_id) do update set sequence = excluded.sequence, digest = excluded.digest",
        list(last),
        [one.sequence for one in last.values()],
        [one.digest for one in last.values()],
    )
    await connection.execute(
        "delete from audit_unsealed where entry_id = any($1::bigint[])", [one.entry_id for one in seals]
    )


async def chains(connection: Connection) -> dict[UUID, Chain]:
    """Every chain."""
    rows = await connection.fetch("select chain_id, sequence, digest, pruned_to, pruned_digest from audit_chains")
    return {
        row["chain_id"]: Chain(Head(row["sequence"], row["digest"]), Head(row["pruned_to"], row["pruned_digest"]))
        for row in rows
    }


async def sealed(connection: Connection) -> AsyncIterator[tuple[Seal, Entry | None]]:
    """Every seal with its entry, chain by chain and in order; call it in a transaction."""
    query = (
        f"select s.chain_id, s.sequence, s.entry_id, s.digest, {ENTRY_COLUMNS}"
        " from audit_seals s left join audit a on a.id = s.entry_id order by s.chain_id, s.sequence"
    )
    async for row in connection.cursor(query, prefetch=1000):
        chain_id, sequence, entry_id, digest, *entry = row
        yield Seal(chain_id, sequence, entry_id, digest), None if entry[0] is None else Entry(*entry)


async def smuggled(connection: Connection) -> list[Entry]:
    """Entries that are neither sealed nor wait to be: no handler wrote them."""
    rows = await connection.fetch(
        f"{ENTRIES} where not exists (select from audit_seals s where s.entry_id = a.id)"
        " and not exists (select from audit_unsealed u where u.entry_id = a.id) order by a.id limit 100"
    )
    return [Entry(*row) for row in rows]


async def lost(connection: Connection) -> list[int]:
    """Ids of entries that wait to be sealed and are not there."""
    rows = await connection.fetch(
        "select entry_id from audit_unsealed u where not exists (select from audit a where a.id = u.entry_id)"
        " order by entry_id limit 100"
    )
    return [row["entry_id"] for row in rows]


async def waiting_since(connection: Connection) -> datetime | None:
    """The instant of the oldest entry that waits to be sealed."""
    found: datetime | None = await connection.fetchval(
        "select a.at from audit_unsealed u join audit a on a.id = u.entry_id order by u.entry_id limit 1"
    )
    return found
