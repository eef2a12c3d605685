"""The table of suppressions: SQL and the mapping of its rows. It holds digests and no address."""

from collections.abc import Collection, Sequence
from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from chassis.database import Connection, Pool
from chassis.pages import Listing
from services.notifications.suppressions.domain import EVERYTHING, SOFT_FAILURES, Standstill, Suppression

# Nothing happens when the scope is on the list already, or when this mail put it there once for the same reason.
INSERT = """
insert into suppressions (
    suppression_id, address_digest, reason, status, delivery_id, recipient_id, since, scope, until
)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
on conflict do nothing
returning true
"""

END_OVERDUE = """
update suppressions set released_at = until
where address_digest = $1 and scope = $2 and until <= $3 and released_at is null
"""

IN_FORCE = """
select address_digest, scope, reason, until from suppressions where released_at is null and address_digest = any($1)
"""

# Failures of an address since a moment, and since an agent last vouched for it; of one kind on one day no more than
# count, so that thousands of one hour hide none of the days before.
FAILURES = f"""
select reason, day from (
    select reason, (state_at at time zone $3)::date as day,
        row_number() over (partition by reason, (state_at at time zone $3)::date) as nth
    from mails
    where address_digest = $1 and state = 'bounced' and state_at > greatest(
        $2, (
            select max(released_at) from suppressions
            where address_digest = $1 and scope = '{EVERYTHING}' and released_at is not null
        )
    )
) as failures
where nth <= $4
"""

RELEASE = """
update suppressions set released_at = $2 where suppression_id = $1 and released_at is null
returning delivery_id, recipient_id
"""

LISTED = """
select suppression_id, scope, reason, status, delivery_id, recipient_id, since, until,
    -extract(epoch from since) as newest
from suppressions
where released_at is null and (until is null or until > $3) and ($1::uuid is null or recipient_id = $1)
    and ($2::bytea[] is null or address_digest = any($2))
"""


async def insert(connection: Connection, suppression: Suppression) -> bool:
    """Put an address on the list. False when that changes nothing."""
    fresh = await connection.fetchval(
        INSERT,
        suppression.suppression_id,
        suppression.address_digest,
        suppression.reason,
        suppression.status,
        suppression.delivery_id,
        suppression.recipient_id,
        suppression.since,
        suppression.scope,
        suppression.until,
    )
    return fresh is True


async def end_overdue(connection: Connection, address_digest: bytes, scope: str, now: datetime) -> None:
    """Take what has ended by itself off the list, so that the same can come onto it again."""
    await connection.execute(END_OVERDUE, address_digest, scope, now)


async def in_force(pool: Pool, digests: Collection[bytes]) -> dict[tuple[bytes, str], Standstill]:
    """What is not sent to these addresses, by digest and scope; some of it may have ended by itself."""
    return {
        (row["address_digest"], row["scope"]): Standstill(row["reason"], row["until"])
        for row in await pool.fetch(IN_FORCE, list(digests))
    }


async def failures(
    connection: Connection, address_digest: bytes, since: datetime, time_zone: ZoneInfo
) -> list[tuple[str, date]]:
    """The status codes of an address's final failures, each with its day."""
    rows = await connection.fetch(FAILURES, address_digest, since, time_zone.key, SOFT_FAILURES)
    return [(row["reason"], row["day"]) for row in rows]


async def release(connection: Connection, suppression_id: UUID, now: datetime) -> tuple[UUID, UUID] | None:
    """Take an address off the list. Returns delivery_id and recipient_id, None when it does not stand there."""
    row = await connection.fetchrow(RELEASE, suppression_id, now)
    return None if row is None else (row["delivery_id"], row["recipient_id"])


def listed(recipient_id: UUID | None, digests: Sequence[bytes] | None, now: datetime) -> Listing:
    """The list, the newest first; only those of a recipient, or of one address by its digests."""
    return Listing(
        LISTED, (recipient_id, digests and list(digests), now), (("newest", "numeric"), ("suppression_id", "uuid"))
    )
