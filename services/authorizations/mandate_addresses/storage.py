"""Which sides of mandates have still to be asked for another address, and from when on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from chassis.database import Connection, Pool
from contracts.agency.mandates import MandateSide

TO_ASK = """
select side_id from mandate_sides where address_state = 'refused' and ask_at <= $1 order by ask_at, side_id limit $2
"""
DUE = "select request_id, side from mandate_sides where side_id = $1 and address_state = 'refused' and ask_at <= $2"


@dataclass(frozen=True)
class Due:
    """A side that is to be asked."""

    request_id: UUID
    side: MandateSide


async def ask_at(connection: Connection, side_id: UUID, at: datetime | None) -> None:
    """Ask a side from then on; None: not again."""
    await connection.execute("update mandate_sides set ask_at = $2 where side_id = $1", side_id, at)


async def to_ask(pool: Pool, now: datetime, limit: int) -> list[UUID]:
    """Some sides that are to be asked now."""
    return [row["side_id"] for row in await pool.fetch(TO_ASK, now, limit)]


async def due(connection: Connection, side_id: UUID, now: datetime) -> Due | None:
    """Whether a side is still to be asked."""
    row = await connection.fetchrow(DUE, side_id, now)
    return Due(row["request_id"], row["side"]) if row else None


async def refuse_mailbox(connection: Connection, side_id: UUID, digest: bytes) -> None:
    """An agent refuses a mailbox of a side, by its keyed digest, for as long as the side is known."""
    await connection.execute(
        "insert into refused_mailboxes (side_id, mailbox) values ($1, $2) on conflict do nothing", side_id, digest
    )


async def is_refused(connection: Connection, side_id: UUID, digests: Sequence[bytes]) -> bool:
    """Whether an agent refused the mailbox of a side, by its digests under all keys."""
    found: bool = await connection.fetchval(
        "select exists (select from refused_mailboxes where side_id = $1 and mailbox = any($2::bytea[]))",
        side_id,
        list(digests),
    )
    return found
