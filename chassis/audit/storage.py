"""Rows of the audit: what waits to be sealed, the seals, and the heads of the chains."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from chassis.audit.chain import COLUMNS, PRUNED, Entry, Head
from chassis.database import Connection, Pool
from chassis.work import Actor

LOCK = 7_263_005  # transaction lock: one process of a service seals at a time

ENTRY_COLUMNS = ", ".join(f"a.{name}" for name in COLUMNS)
ENTRIES = f"select {ENTRY_COLUMNS} from audit a"
CHAINS = "select chain_id, sequence, digest, pruned_to, pruned_digest from audit_chains"

SEALED = f"""
select s.chain_id, s.sequence, s.entry_id, s.digest, {ENTRY_COLUMNS}
from audit_seals s left join audit a on a.id = s.entry_id
"""

# What one chain holds of some entries, each with the digest before it. The chain is read as a whole: entries have no
# index into it, and one organization's is short.
SEALS = """
select s.entry_id, s.sequence, s.digest,
    coalesce(p.digest, case when s.sequence = c.pruned_to + 1 then c.pruned_digest end) as previous
from audit_chains c join audit_seals s using (chain_id)
left join audit_seals p on p.chain_id = s.chain_id and p.sequence = s.sequence - 1
where s.chain_id = $1 and s.entry_id = any($2::bigint[])
"""

TABLES = ("audit", "audit_chains", "audit_seals", "audit_unsealed")
"""All that verifying reads."""

MAY_CHANGE = """
select bool_or(
    pg_has_role($1, relowner, 'member')
    or has_table_privilege($1, oid, 'insert, update, delete, truncate, trigger')
    or has_any_column_privilege($1, oid, 'insert, update')
) from pg_class where oid = any($2::text[]::regclass[])
"""

PRUNABLE = """
select c.chain_id
from audit_chains c
cross join lateral (
    select a.at from audit_seals s join audit a on a.id = s.entry_id
    where s.chain_id = c.chain_id and s.sequence > c.pruned_to and a.action <> $4 order by s.sequence limit 1
) first
where first.at < $1 and ($2::uuid is null or c.chain_id > $2)
order by c.chain_id limit $3
"""


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


@dataclass(frozen=True)
class Place:
    """Where an entry was sealed: its number, the digest before it (None: that is missing), and the one with it."""

    sequence: int
    previous: bytes | None
    digest: bytes


async def places(connection: Connection, chain_id: UUID, entry_ids: Collection[int]) -> dict[int, Place]:
    """The places of some entries in their chain; those that were not sealed there are absent."""
    rows = await connection.fetch(SEALS, chain_id, list(entry_ids))
    return {row["entry_id"]: Place(row["sequence"], row["previous"], row["digest"]) for row in rows}


async def waiting_among(connection: Connection, entry_ids: Collection[int]) -> set[int]:
    """Those of some entries that wait to be sealed."""
    rows = await connection.fetch(
        "select entry_id from audit_unsealed where entry_id = any($1::bigint[])", list(entry_ids)
    )
    return {row["entry_id"] for row in rows}


async def any_waits(pool: Pool) -> bool:
    """Whether there is an entry to be sealed."""
    found: bool = await pool.fetchval("select exists (select from audit_unsealed)")
    return found


async def take_turn(connection: Connection) -> bool:
    """Be the one who seals, until the transaction ends. False when another process is."""
    taken: bool = await connection.fetchval("select pg_try_advisory_xact_lock($1)", LOCK)
    return taken


async def wait_for_turn(connection: Connection) -> None:
    """Be the one who seals, once who does so now has ended."""
    await connection.execute("select pg_advisory_xact_lock($1)", LOCK)


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
    return {row["chain_id"]: _chain(row) for row in await connection.fetch(CHAINS)}


async def chain(connection: Connection, chain_id: UUID) -> Chain:
    """One chain; empty where it has not begun."""
    row = await connection.fetchrow(f"{CHAINS} where chain_id = $1", chain_id)
    return _chain(row) if row else Chain(Head(), Head())


def _chain(row: Any) -> Chain:
    return Chain(Head(row["sequence"], row["digest"]), Head(row["pruned_to"], row["pruned_digest"]))


async def sealed(connection: Connection) -> AsyncIterator[tuple[Seal, Entry | None]]:
    """Every seal with its entry, chain by chain and in order; call it in a transaction."""
    async for row in connection.cursor(f"{SEALED} order by s.chain_id, s.sequence", prefetch=1000):
        yield _sealed(row)


async def oldest(connection: Connection, chain_id: UUID, after: int, limit: int) -> list[tuple[Seal, Entry | None]]:
    """The seals of a chain after a number, each with its entry, in order."""
    query = f"{SEALED} where s.chain_id = $1 and s.sequence > $2 order by s.sequence limit $3"
    return [_sealed(row) for row in await connection.fetch(query, chain_id, after, limit)]


def _sealed(row: Any) -> tuple[Seal, Entry | None]:
    chain_id, sequence, entry_id, digest, *entry = row
    return Seal(chain_id, sequence, entry_id, digest), None if entry[0] is None else Entry(*entry)


async def prunable(pool: Pool, before: datetime, after: UUID | None, limit: int) -> list[UUID]:
    """Chains, by id, whose oldest entry that tells of something is from before an instant."""
    rows = await pool.fetch(PRUNABLE, before, after, limit, PRUNED)
    return [row["chain_id"] for row in rows]


async def add(
    connection: Connection,
    at: datetime,
    organization_id: UUID | None,
    actor: Actor,
    action: str,
    detail: Mapping[str, Any],
    data_version: str,
) -> Entry:
    """Write an entry that does not wait to be sealed: whoever calls this seals it."""
    row = await connection.fetchrow(
        f"insert into audit as a (at, organization_id, actor_kind, actor_id, action, detail, data_version, rule)"
        f" values ($1, $2, $3, $4, $5, $6, $7, $3) returning {ENTRY_COLUMNS}",
        at, organization_id, actor.kind, actor.id, action, detail, data_version,
    )  # fmt: skip
    assert row is not None
    return Entry(*row)


async def begin_after(connection: Connection, chain_id: UUID, last: Head, entry_ids: Sequence[int]) -> None:
    """Delete the oldest entries of a chain with their seals, up to `last`, after which it begins from now on."""
    await connection.execute("delete from audit where id = any($1::bigint[])", entry_ids)
    await connection.execute("delete from audit_seals where chain_id = $1 and sequence <= $2", chain_id, last.sequence)
    await connection.execute(
        "update audit_chains set pruned_to = $2, pruned_digest = $3 where chain_id = $1",
        chain_id, last.sequence, last.digest,
    )  # fmt: skip


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


async def is_role(connection: Connection, role: str) -> bool:
    """Whether the server has such a role."""
    found: bool = await connection.fetchval("select exists (select from pg_roles where rolname = $1)", role)
    return found


async def may_change(connection: Connection, role: str) -> bool:
    """Whether a role that is there could write one of the tables: also a column alone, as their owner, by a trigger."""
    found: bool = await connection.fetchval(MAY_CHANGE, role, TABLES)
    return found


async def let_verify(connection: Connection, role: str) -> None:
    """Give a role the right to read the tables, and to connect to their database."""
    database = await connection.fetchval("select quote_ident(current_database())")
    name = await connection.fetchval("select quote_ident($1)", role)
    await connection.execute(f"grant connect on database {database} to {name}")
    await connection.execute(f"grant select on {', '.join(TABLES)} to {name}")
