"""Rows of claims."""

from datetime import datetime
from uuid import UUID

from chassis.database import Connection, Pool
from contracts.linking import OrganizationClaimed
from services.authorizations.claims.domain import Claim, Outcome

WAITING = """
select claim_id from claims join account_versions using (account_id) where decided_at is null
order by received_at, claim_id limit $1
"""


async def keep(connection: Connection, claimed: OrganizationClaimed, now: datetime) -> bool:
    """Make a claim's row. False when it is known: a claim is decided once."""
    new = await connection.fetchval(
        "insert into claims (claim_id, organization_id, account_id, method, capacity, proven, locked, tried,"
        " lapses_on, received_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) on conflict (claim_id) do nothing"
        " returning true",
        claimed.claim_id, claimed.organization_id, claimed.account_id, claimed.method, claimed.capacity,
        claimed.proven, claimed.locked, claimed.tried, claimed.lapses_on, now,
    )  # fmt: skip
    return new is not None


async def organization_of(connection: Connection, claim_id: UUID) -> UUID | None:
    """Which organization a claim is about."""
    found: UUID | None = await connection.fetchval("select organization_id from claims where claim_id = $1", claim_id)
    return found


async def undecided(connection: Connection, claim_id: UUID) -> Claim | None:
    """A claim, while it is not decided. Lock its organization first."""
    row = await connection.fetchrow(
        "select claim_id, organization_id, account_id, method, capacity, proven, locked, lapses_on from claims"
        " where claim_id = $1 and decided_at is null",
        claim_id,
    )
    return Claim(**row) if row else None


async def waiting(pool: Pool, limit: int) -> list[UUID]:
    """Claims that came before their account's state, which is here by now; the oldest first."""
    return [row["claim_id"] for row in await pool.fetch(WAITING, limit)]


async def settle(
    connection: Connection,
    claim_id: UUID,
    outcome: Outcome,
    now: datetime,
    contact_id: UUID | None = None,
    request_id: UUID | None = None,
) -> None:
    """A claim is decided: by whom was appointed, or asked, or by a refusal."""
    await connection.execute(
        "update claims set outcome = $2, decided_at = $3, contact_id = $4, request_id = $5 where claim_id = $1",
        claim_id, outcome, now, contact_id, request_id,
    )  # fmt: skip
