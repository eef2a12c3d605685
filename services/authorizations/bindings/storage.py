"""Rows of bindings: dated and recorded, because `at` asks."""

from datetime import datetime
from uuid import UUID

from chassis.database import Connection
from services.authorizations.dated import known


async def bind(
    connection: Connection, link_id: UUID, account_id: UUID, contact_id: UUID, since: datetime, now: datetime
) -> bool:
    """From `since` the account is the contact. Monotone: a link is learned once; False when it was known."""
    new = await connection.fetchval(
        "insert into bindings (link_id, version, account_id, contact_id, during, recorded)"
        " values ($1, 1, $2, $3, tstzrange($4, null), tstzrange($5, null))"
        " on conflict (link_id, version) do nothing returning true",
        link_id,
        account_id,
        contact_id,
        since,
        now,
    )
    return new is not None


async def account_of(connection: Connection, contact_id: UUID) -> UUID | None:
    """The account that a contact is, if it is linked."""
    found: UUID | None = await connection.fetchval(
        f"select b.account_id from bindings b where b.contact_id = $1 and {known('b')} and upper_inf(b.during)",
        contact_id,
    )
    return found


async def was_ever_linked(connection: Connection, account_id: UUID) -> bool:
    """Whether the account was a contact at any time, whatever became of that."""
    found: bool = await connection.fetchval("select exists (select from bindings where account_id = $1)", account_id)
    return found


async def link_recorded(connection: Connection, link_id: UUID) -> datetime | None:
    """Since when we have known what we know of a link; None while it has not arrived."""
    found: datetime | None = await connection.fetchval(
        "select lower(recorded) from bindings where link_id = $1 and upper_inf(recorded)", link_id
    )
    return found


async def void(connection: Connection, link_id: UUID, now: datetime) -> bool:
    """From now on we know that a link never stood. False when that was known, or nothing of it."""
    known = await connection.fetchval(
        "update bindings set recorded = tstzrange(lower(recorded), $2)"
        " where link_id = $1 and upper_inf(recorded) returning true",
        link_id,
        now,
    )
    return known is not None


async def made_here(connection: Connection, contact_id: UUID, besides: UUID) -> UUID | None:
    """The link of a contact that was made here and is taken to stand, unless it is the one named."""
    found: UUID | None = await connection.fetchval(
        "select b.link_id from contacts c join bindings b on b.link_id = c.bound_link_id"
        " where c.contact_id = $1 and b.link_id <> $2 and upper_inf(b.recorded) and upper_inf(b.during)",
        contact_id,
        besides,
    )
    return found


async def unbind(
    connection: Connection,
    link_id: UUID,
    account_id: UUID,
    contact_id: UUID,
    since: datetime,
    until: datetime,
    now: datetime,
) -> bool:
    """The account was the contact until `until`, even if the link was not heard of. False when that was known.

    An end that was decided here gives way to the register's own, by another clock.
    """
    version = await connection.fetchval(
        "update bindings set recorded = tstzrange(lower(recorded), $2)"
        " where link_id = $1 and upper_inf(recorded) and upper(during) is distinct from $3 returning version",
        link_id,
        now,
        until,
    )
    ended = await connection.fetchval(
        "insert into bindings (link_id, version, account_id, contact_id, during, recorded)"
        " values ($1, $2, $3, $4, tstzrange($5, $6), tstzrange($7, null))"
        " on conflict (link_id, version) do nothing returning true",
        link_id,
        1 if version is None else version + 1,
        account_id,
        contact_id,
        since,
        until,
        now,
    )
    return ended is not None
