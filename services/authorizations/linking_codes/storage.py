"""Rows of batches of linking codes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from chassis.database import Connection, Pool


@dataclass(frozen=True)
class BatchRow:
    """A batch and how far it has come."""

    batch_id: UUID
    requested_at: datetime
    requested: int
    issued: int
    without_address: int


@dataclass(frozen=True)
class Item:
    """One contact of a batch, whose turn it is."""

    batch_id: UUID
    contact_id: UUID
    organization_id: UUID


@dataclass(frozen=True)
class Candidate:
    """A contact that may be sent a code."""

    contact_id: UUID
    functions: frozenset[str]
    has_address: bool
    linked: bool


async def candidates(connection: Connection, organization_ids: Iterable[UUID]) -> list[Candidate]:
    """The contacts of organizations, with the types of their memberships that were not withdrawn."""
    rows = await connection.fetch(
        "select c.contact_id, p.email is not null as has_address,"
        " exists (select from bindings b where b.contact_id = c.contact_id and upper_inf(b.recorded)"
        "   and upper_inf(b.during)) as linked,"
        " coalesce(array_agg(r.type) filter (where r.type is not null), '{}') as functions"
        " from contacts c join personal_fields p on p.owner_id = c.contact_id"
        " left join relations r on r.holder_id = c.contact_id and r.through is null and upper_inf(r.recorded)"
        "   and r.ended_at is null"
        " where c.organization_id = any($1::uuid[]) group by c.contact_id, p.email order by c.contact_id",
        list(organization_ids),
    )
    return [Candidate(r["contact_id"], frozenset(r["functions"]), r["has_address"], r["linked"]) for r in rows]


async def add(connection: Connection, batch_id: UUID, requested_by: str, at: datetime) -> None:
    """Make a batch; its items come with `add_items`."""
    await connection.execute(
        "insert into linking_code_batches (batch_id, requested_by, requested_at) values ($1, $2, $3)",
        batch_id,
        requested_by,
        at,
    )


async def add_items(
    connection: Connection, batch_id: UUID, waiting: Sequence[UUID], unreachable: Sequence[UUID]
) -> None:
    """The contacts of a batch: those whose code waits for its turn, and those without an address to send one to."""
    await connection.execute(
        "insert into linking_code_batch_items (batch_id, contact_id, skipped)"
        " select $1::uuid, contact_id, null from unnest($2::uuid[]) as waiting (contact_id)"
        " union all select $1::uuid, contact_id, 'no_address' from unnest($3::uuid[]) as unreachable (contact_id)",
        batch_id,
        waiting,
        unreachable,
    )


async def any_waits(pool: Pool) -> bool:
    """Whether there is a contact whose turn has not come yet."""
    found: bool = await pool.fetchval(
        "select exists (select from linking_code_batch_items where generation is null and skipped is null)"
    )
    return found


async def next_items(connection: Connection, limit: int) -> list[Item]:
    """Lock contacts whose turn it is, those of the oldest batch first, that no other worker has in hand."""
    rows = await connection.fetch(
        "select i.batch_id, i.contact_id, c.organization_id from linking_code_batch_items i"
        " join contacts c using (contact_id) where i.generation is null and i.skipped is null"
        " order by i.batch_id, i.contact_id limit $1 for update of i skip locked",
        limit,
    )
    return [Item(**row) for row in rows]


async def set_generation(connection: Connection, item: Item, generation: int) -> None:
    """The generation whose code the item waits for."""
    await connection.execute(
        "update linking_code_batch_items set generation = $3 where batch_id = $1 and contact_id = $2",
        item.batch_id,
        item.contact_id,
        generation,
    )


async def mark_issued(connection: Connection, contact_id: UUID, generation: int, at: datetime) -> None:
    """A code of this generation, or of a later one that replaces it, was issued."""
    await connection.execute(
        "update linking_code_batch_items set issued_at = $3"
        " where contact_id = $1 and generation <= $2 and issued_at is null",
        contact_id,
        generation,
        at,
    )


async def get(connection: Connection, batch_id: UUID) -> BatchRow | None:
    """A batch by id."""
    row = await connection.fetchrow(
        "select b.batch_id, b.requested_at, count(i.contact_id)::int as requested, count(i.issued_at)::int as issued,"
        " count(i.skipped)::int as without_address"
        " from linking_code_batches b left join linking_code_batch_items i using (batch_id)"
        " where b.batch_id = $1 group by b.batch_id",
        batch_id,
    )
    return BatchRow(**row) if row else None
