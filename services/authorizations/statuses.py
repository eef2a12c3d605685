"""Whether an organization is active at the agency, or an account active: dated rows, because `at` asks."""

from datetime import datetime, timedelta
from uuid import UUID

from asyncpg import Range

from chassis.database import Connection
from services.authorizations.dated import known

INSTANT = timedelta(microseconds=1)  # the least that PostgreSQL tells apart


def active(owner: str, at: str | None = "$1::timestamptz") -> str:
    """Whether an organization or account is active at an instant; with None, by the last status that is known.

    A value, not EXISTS: PostgreSQL would read every active owner there is into a hash, for the rows of one page.
    """
    then = "upper_inf(s.during)" if at is None else f"s.during @> {at}"
    return (
        f"coalesce((select true from statuses s where s.owner_id = {owner}"
        f" and {known('s')} and s.active and {then} limit 1), false)"
    )


async def is_active(connection: Connection, owner_id: UUID) -> bool:
    """Whether an organization or account is active, by the last status that is known."""
    found: bool = await connection.fetchval(f"select {active('$1::uuid', at=None)}", owner_id)
    return found


async def last_status(connection: Connection, owner_id: UUID) -> bool | None:
    """Whether an organization or account is active, by the last status that is known; None: nobody told of it."""
    found: bool | None = await connection.fetchval(
        f"select active from statuses s where owner_id = $1 and {known('s')} and upper_inf(during)", owner_id
    )
    return found


async def set_status(connection: Connection, owner_id: UUID, active: bool, since: datetime, now: datetime) -> None:
    """From `since` the owner is active, or not; what was recorded is kept. Nothing when it is so already.

    What is told later counts, also where the clock that told of it, or ours, is behind another's.
    """
    last = await connection.fetchrow(
        "select active, lower(during) as since, lower(recorded) as recorded from statuses"
        " where owner_id = $1 and upper_inf(recorded) and upper_inf(during)",
        owner_id,
    )
    if last is not None:
        if last["active"] == active:
            return
        since, now = max(since, last["since"] + INSTANT), max(now, last["recorded"] + INSTANT)
        await connection.execute(
            "update statuses set recorded = tstzrange(lower(recorded), $2)"
            " where owner_id = $1 and upper_inf(recorded) and upper_inf(during)",
            owner_id,
            now,
        )
        await _insert_status(connection, owner_id, last["active"], Range(last["since"], since), now)
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
