"""Whether an organization is active at the agency, or an account active: dated rows, because `at` asks."""

from datetime import datetime
from uuid import UUID

from asyncpg import Range

from chassis.database import Connection


async def set_status(connection: Connection, owner_id: UUID, active: bool, since: datetime, now: datetime) -> None:
    """From `since` the owner is active, or not; what was recorded is kept. Nothing when it is so already."""
    known = await connection.fetchrow(
        "select active, lower(during) as since from statuses"
        " where owner_id = $1 and upper_inf(recorded) and upper_inf(during)",
        owner_id,
    )
    if known is not None:
        if known["active"] == active or known["since"] >= since:
            return
        await connection.execute(
            "update statuses set recorded = tstzrange(lower(recorded), $2)"
            " where owner_id = $1 and upper_inf(recorded) and upper_inf(during)",
            owner_id,
            now,
        )
        await _insert_status(connection, owner_id, known["active"], Range(known["since"], since), now)
    await _insert_status(connection, owner_id, active, Range(since, None), now)


async def _insert_status(
    connection: Connection, owner_id: UUID, active: bool, during: "Range[datetime]", now: datetime
) -> None:
    await connection.execute(
        "insert into statuses (owner_id, active, during, recorded) values ($1, $2, $3, tstzrange($4, null))",
        owner_id,
        active,
        during,
        now,
    )
