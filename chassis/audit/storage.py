"""Rows of the audit: what waits to be sealed, the seals, and the heads of the chains."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from chassis.audit.chain import BEGINNING, COLUMNS, Entry
from chassis.database import Connection, Pool

LOCK = 7_263_005  # transaction lock: one process of a service seals at a time

ENTRIES = f"select {', '.join(f'a.{name}' for name in COLUMNS.split(', '))} from audit a"


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
    return [Entry(**row) for row in rows]


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
