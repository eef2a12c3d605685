"""Rows of batches of linking codes, and what became of the mails."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from chassis.database import Connection, Pool
from chassis.pages import Listing
from services.authorizations.linking_codes.domain import DeliveryState, ItemState, SkipReason
from services.authorizations.linking_codes.selecting import LINKED

# What becomes of the persons of batch $1. Who was linked after the code was asked for is issued none.
ITEMS = f"""
select i.batch_id, i.contact_id, c.organization_id, i.generation, c.linking_code_generation as newest,
    case when i.skipped is not null then 'skipped'
        when i.issued_at is not null then coalesce(d.state::text, 'accepted')
        when i.generation is not null and {LINKED} then 'skipped'
        else 'waiting'
    end as state,
    case when i.skipped is not null then i.skipped
        when i.issued_at is null and i.generation is not null and {LINKED} then 'linked'
    end as reason,
    i.issued_at, d.told_at
from linking_code_batch_items i
join contacts c using (contact_id)
left join mail_deliveries d on d.delivery_id = i.delivery_id
where i.batch_id = $1
"""

LIST = f"""
select item.*, p.family_name, p.given_name, coalesce(p.sorted_name, '') as sorted_name
from ({ITEMS}) item left join personal_fields p on p.owner_id = item.contact_id
where $2::text is null or item.state = $2
"""


@dataclass(frozen=True)
class BatchRow:
    """A batch; `organization_id` is the one that it is for, None when it is an agent's for several."""

    batch_id: UUID
    organization_id: UUID | None
    campaign: str | None
    requested_by: str
    requested_at: datetime
    unknown_numbers: int


@dataclass(frozen=True)
class Totals:
    """How many persons of a batch are in which state, and of those who get no code, for which reason."""

    states: Mapping[ItemState, int]
    skipped: Mapping[SkipReason, int]


@dataclass(frozen=True)
class Item:
    """One contact of a batch, whose turn it is."""

    batch_id: UUID
    contact_id: UUID
    organization_id: UUID
    requested_by: str
    campaign: str | None


WAITING = """
select i.batch_id, i.contact_id, c.organization_id, b.requested_by, b.campaign
from linking_code_batch_items i join contacts c using (contact_id) join linking_code_batches b using (batch_id)
where i.generation is null and i.skipped is null
"""


async def add(connection: Connection, batch: BatchRow) -> None:
    """Make a batch; its items come with `selecting.add_items`."""
    await connection.execute(
        "insert into linking_code_batches"
        " (batch_id, organization_id, campaign, requested_by, requested_at, unknown_numbers)"
        " values ($1, $2, $3, $4, $5, $6)",
        batch.batch_id,
        batch.organization_id,
        batch.campaign,
        batch.requested_by,
        batch.requested_at,
        batch.unknown_numbers,
    )


async def get(connection: Connection, batch_id: UUID) -> BatchRow | None:
    """A batch by id."""
    row = await connection.fetchrow(
        "select batch_id, organization_id, campaign, requested_by, requested_at, unknown_numbers"
        " from linking_code_batches where batch_id = $1",
        batch_id,
    )
    return BatchRow(**row) if row else None


async def totals(connection: Connection, batch_id: UUID) -> Totals:
    """How far a batch has come."""
    rows = await connection.fetch(
        f"select state, reason, count(*)::int as persons from ({ITEMS}) item group by state, reason", batch_id
    )
    states: dict[ItemState, int] = {}
    for row in rows:
        states[row["state"]] = states.get(row["state"], 0) + row["persons"]
    return Totals(states, {row["reason"]: row["persons"] for row in rows if row["reason"] is not None})


def listed(batch_id: UUID, state: ItemState | None) -> Listing:
    """The persons of a batch by name, all or those in one state."""
    return Listing(LIST, [batch_id, state], (("sorted_name", "text"), ("contact_id", "uuid")))


async def not_delivered(connection: Connection, batch_id: UUID) -> list[UUID]:
    """The contacts whose mail did not arrive, and for whom no newer code was asked since."""
    rows = await connection.fetch(
        f"select contact_id from ({ITEMS}) item where state in ('undelivered', 'expired') and generation = newest"
        " order by contact_id",
        batch_id,
    )
    return [row["contact_id"] for row in rows]


async def any_waits(pool: Pool) -> bool:
    """Whether there is a contact whose turn has not come yet."""
    found: bool = await pool.fetchval(
        "select exists (select from linking_code_batch_items where generation is null and skipped is null)"
    )
    return found


async def next_items(connection: Connection, limit: int) -> list[Item]:
    """Lock contacts whose turn it is, those of the oldest batch first, that no other worker has in hand."""
    rows = await connection.fetch(
        f"{WAITING} order by i.turn, i.batch_id, i.contact_id limit $1 for update of i skip locked", limit
    )
    return [Item(**row) for row in rows]


async def waiting_of(connection: Connection, batch_id: UUID) -> list[Item]:
    """The contacts of one batch whose code was not asked for yet."""
    return [Item(**row) for row in await connection.fetch(f"{WAITING} and i.batch_id = $1", batch_id)]


async def set_generation(connection: Connection, item: Item, generation: int) -> None:
    """The generation whose code the item waits for."""
    await connection.execute(
        "update linking_code_batch_items set generation = $3 where batch_id = $1 and contact_id = $2",
        item.batch_id,
        item.contact_id,
        generation,
    )


async def skip(connection: Connection, batch_id: UUID, contact_ids: Sequence[UUID], reason: SkipReason) -> None:
    """These contacts of the batch get no code, for this reason."""
    await connection.execute(
        "update linking_code_batch_items set skipped = $3"
        " where batch_id = $1 and contact_id = any($2::uuid[]) and generation is null and skipped is null",
        batch_id,
        contact_ids,
        reason,
    )


async def mark_issued(
    connection: Connection, contact_id: UUID, generation: int, delivery_id: UUID, at: datetime
) -> None:
    """A code of this generation, or of a later one that replaces it, was issued, and travels with this mail."""
    await connection.execute(
        "update linking_code_batch_items set issued_at = $3, delivery_id = $4"
        " where contact_id = $1 and generation <= $2 and issued_at is null",
        contact_id,
        generation,
        at,
        delivery_id,
    )


async def tell_deliveries(connection: Connection, told: Mapping[UUID, DeliveryState], at: datetime) -> None:
    """What was told of mails; of what was told of one, whatever the order, that which comes last in its life stays."""
    await connection.execute(
        "insert into mail_deliveries as d (delivery_id, state, told_at)"
        " select delivery_id, state::delivery_state, $3 from unnest($1::uuid[], $2::text[]) as t (delivery_id, state)"
        " order by delivery_id on conflict (delivery_id) do update"
        " set state = excluded.state, told_at = excluded.told_at where d.state < excluded.state",
        list(told),
        list(told.values()),
        at,
    )


async def forget_deliveries(pool: Pool, older_than: timedelta, limit: int) -> int:
    """Delete what was told of mails that no batch has claimed for so long. Returns how many, `limit` at most."""
    deleted: int = await pool.fetchval(
        "with over as (select d.delivery_id from mail_deliveries d where d.told_at < clock_timestamp() - $1::interval"
        " and not exists (select from linking_code_batch_items i where i.delivery_id = d.delivery_id)"
        " limit $2 for update skip locked),"
        " deleted as (delete from mail_deliveries d using over where d.delivery_id = over.delivery_id returning 1)"
        " select count(*)::int from deleted",
        older_than,
        limit,
    )
    return deleted
