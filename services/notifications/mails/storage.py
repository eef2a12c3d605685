"""The table of mails: SQL and the mapping of its rows."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from chassis.database import Connection, Pool, lock_number
from services.notifications.mails.domain import Mail, Standing, State

# One row per deduplication_id: a request that comes again changes nothing.
INSERT = """
insert into mails (delivery_id, deduplication_id, handle_digest, recipient_id, kind, language, fields, sealed,
    priority, replaces, expires_at, message_id, traceparent, accepted_at, state, state_at, due_at)
select *, 'accepted', $14, $14
from unnest($1::uuid[], $2::text[], $3::bytea[], $4::uuid[], $5::text[], $6::text[], $7::jsonb[], $8::text[],
    $9::smallint[], $10::text[], $11::timestamptz[], $12::text[], $13::text[],
    array_fill($14::timestamptz, array[cardinality($1)]))
on conflict (deduplication_id) do nothing
returning delivery_id
"""

LOCK_PURPOSES = "select pg_advisory_xact_lock(purpose) from unnest($1::bigint[]) as purpose"

# Among the mails of one purpose only the newest may still be sent, whichever of them arrived first.
REPLACE = """
with overtaken as (
    select mails.delivery_id
    from unnest($1::uuid[], $2::text[]) as purpose (recipient_id, name)
    join mails on mails.recipient_id = purpose.recipient_id and mails.replaces = purpose.name
    where mails.due_at is not null and not mails.replaced and exists (
        select from mails as newer
        where newer.recipient_id = mails.recipient_id and newer.replaces = mails.replaces
            and newer.delivery_id > mails.delivery_id
    )
    order by mails.delivery_id
    for update of mails
)
update mails set replaced = true from overtaken where mails.delivery_id = overtaken.delivery_id
"""

# $1 now, $2 the grace after a start of PostgreSQL, $3 until when everybody keeps what is theirs whatever the row says.
IN_SOMEBODYS_HAND = """(
    {mail}.lease_until is not null
    and greatest({mail}.lease_until, pg_postmaster_start_time() + $2::interval, $3::timestamptz) > $1::timestamptz
)"""

# A mail waits while an older one of its purpose is still in a sender's hand: code 1 must not arrive after code 2.
MAY_BE_TAKEN = f"""
    m.due_at <= $1 and m.expires_at > $1 and not m.replaced and not {IN_SOMEBODYS_HAND.format(mail="m")}
    and not exists (
        select from mails as older
        where older.recipient_id = m.recipient_id and older.replaces = m.replaces
            and older.delivery_id < m.delivery_id and older.due_at is not null
            and {IN_SOMEBODYS_HAND.format(mail="older")}
    )
"""

LEASE = """
update mails set lease_until = $4, fence = fence + 1, attempts = attempts + 1
from claimed where mails.delivery_id = claimed.delivery_id
returning mails.delivery_id, kind, language, fields, sealed, priority, expires_at, message_id, due_at,
    lease_until, fence, attempts, traceparent
"""

# $5 and $6 say how many of each priority, $7 which are in hand already.
CLAIM = f"""
with claimed as (
    select due.delivery_id
    from unnest($5::smallint[], $6::bigint[]) as room (priority, places),
        lateral (
            select m.delivery_id from mails as m
            where m.priority = room.priority and m.delivery_id <> all($7::uuid[]) and {MAY_BE_TAKEN}
            order by m.due_at
            limit room.places
            for update skip locked
        ) as due
)
{LEASE}
"""

# $5 says which.
CLAIM_THESE = f"""
with claimed as (
    select m.delivery_id from mails as m where m.delivery_id = any($5::uuid[]) and {MAY_BE_TAKEN} for update skip locked
)
{LEASE}
"""

# Those that no other sender has taken since.
RENEW = """
with ours as (
    select delivery_id
    from mails join unnest($1::uuid[], $2::integer[]) as held (delivery_id, fence) using (delivery_id, fence)
    where lease_until is not null
    order by delivery_id
    for update of mails
)
update mails set lease_until = $3 from ours where mails.delivery_id = ours.delivery_id
returning mails.delivery_id
"""

# Those of the attempts that still count: no other sender has taken the mail since.
HOLD = """
select delivery_id, recipient_id, state, state_at, due_at, attempts, reason, expires_at, replaced
from mails join unnest($1::uuid[], $2::integer[]) as attempted (delivery_id, fence) using (delivery_id, fence)
where lease_until is not null
order by delivery_id
for update of mails
"""

SETTLE = """
update mails set state = settled.state, state_at = settled.state_at, due_at = settled.due_at,
    attempts = settled.attempts, reason = settled.reason, lease_until = null,
    sealed = case when settled.due_at is null then null else sealed end,
    fields = case when settled.due_at is null then '{}' else fields end,
    address_digest = coalesce(settled.address_digest, mails.address_digest)
from unnest($1::uuid[], $2::bytea[], $3::text[], $4::timestamptz[], $5::timestamptz[], $6::integer[], $7::text[])
    as settled (delivery_id, address_digest, state, state_at, due_at, attempts, reason)
where mails.delivery_id = settled.delivery_id
"""

# Mails that nobody has in hand and that must not be sent any more.
HOLD_OVERDUE = f"""
select delivery_id, recipient_id, kind, priority, state, state_at, due_at, attempts, reason, expires_at, replaced
from mails as m
where due_at is not null and (expires_at <= $1 or replaced) and not {IN_SOMEBODYS_HAND.format(mail="m")}
order by delivery_id
limit $4
for update skip locked
"""

PRUNE = """
with gone as (
    delete from mails where delivery_id in (
        select delivery_id from mails where due_at is null and state_at < $1 and expires_at < $1
        order by state_at limit $2 for update skip locked
    )
    returning true
)
select count(*) from gone
"""

FIND = """
select delivery_id, accepted_at, address_digest, state, state_at, due_at, attempts, reason
from mails where handle_digest = $1
"""

QUEUE = """
select priority, state, count(*) as waiting,
    coalesce(extract(epoch from $1::timestamptz - min(due_at) filter (where due_at <= $1 and lease_until is null)), 0)
        ::float as oldest
from mails where due_at is not null group by priority, state
"""


Purpose = tuple[UUID, str]
"""A recipient and what `replaces` says."""


@dataclass(frozen=True)
class Incoming:
    """A mail as it comes in, in the order of the columns."""

    delivery_id: UUID
    deduplication_id: str
    handle_digest: bytes
    recipient_id: UUID
    kind: str
    language: str
    fields: Mapping[str, Any]
    sealed: str
    priority: int
    replaces: str | None
    expires_at: datetime
    message_id: str
    traceparent: str | None


@dataclass(frozen=True)
class Held:
    """A mail whose row is locked."""

    delivery_id: UUID
    recipient_id: UUID
    standing: Standing
    expires_at: datetime
    replaced: bool


@dataclass(frozen=True)
class Found:
    """A mail that somebody asks about."""

    delivery_id: UUID
    accepted_at: datetime
    address_digest: bytes | None
    standing: Standing


@dataclass(frozen=True)
class Looking:
    """When somebody looks for mails that are nobody's, and what may be taken from others then.

    A lease that has run out still counts for `grace` after a start of PostgreSQL, and until `others_keep_until`.
    """

    now: datetime
    grace: timedelta
    others_keep_until: datetime | None


async def insert(connection: Connection, mails: Sequence[Incoming], now: datetime) -> set[UUID]:
    """Keep mails. Returns those whose request was not here before."""
    columns = [[getattr(mail, column.name) for mail in mails] for column in fields(Incoming)]
    return {row["delivery_id"] for row in await connection.fetch(INSERT, *columns, now)}


async def lock_purposes(connection: Connection, purposes: Iterable[Purpose]) -> None:
    """Keep apart, until the commit, requests of one purpose, which would not see each other."""
    numbers = sorted(lock_number("purpose", str(recipient_id), name) for recipient_id, name in purposes)
    if numbers:
        await connection.execute(LOCK_PURPOSES, numbers)


async def keep_newest(connection: Connection, purposes: Collection[Purpose]) -> None:
    """Mark every unsent mail of each purpose but the newest as replaced."""
    if purposes:
        await connection.execute(REPLACE, *map(list, zip(*purposes, strict=True)))


async def claim(
    pool: Pool,
    looking: Looking,
    *,
    lease_until: datetime,
    room: Mapping[int, int],
    except_for: Collection[UUID],
) -> list[Mail]:
    """Take due mails into hand, so many of each priority; nobody else gets them before the lease ends."""
    rows = await pool.fetch(
        CLAIM, *astuple(looking), lease_until, list(room.keys()), list(room.values()), list(except_for)
    )
    return [Mail(**dict(row)) for row in rows]


async def claim_these(
    connection: Connection, looking: Looking, *, lease_until: datetime, mails: Collection[UUID]
) -> list[Mail]:
    """Take those of these mails into hand that may be; nobody else gets them before the lease ends."""
    rows = await connection.fetch(CLAIM_THESE, *astuple(looking), lease_until, list(mails))
    return [Mail(**dict(row)) for row in rows]


async def renew(connection: Connection, mails: Collection[Mail], lease_until: datetime) -> set[UUID]:
    """Keep mails in hand longer. Returns those that are still the holder's."""
    rows = await connection.fetch(RENEW, *_held_as(mails), lease_until)
    return {row["delivery_id"] for row in rows}


async def hold(connection: Connection, mails: Collection[Mail]) -> dict[UUID, Held]:
    """Lock the mails whose attempt still counts."""
    return {row["delivery_id"]: _held(row) for row in await connection.fetch(HOLD, *_held_as(mails))}


async def hold_overdue(connection: Connection, looking: Looking, limit: int) -> list[tuple[str, int, Held]]:
    """Lock mails that must not be sent any more, each with its kind and priority."""
    rows = await connection.fetch(HOLD_OVERDUE, *astuple(looking), limit)
    return [(row["kind"], row["priority"], _held(row)) for row in rows]


async def settle(
    connection: Connection,
    standings: Mapping[UUID, Standing],
    address_digests: Mapping[UUID, bytes | None] | None = None,
) -> None:
    """Write where mails stand now, in nobody's hand; with a mail's end its seal and its fields go, and of its
    address the digest stays.
    """
    if standings:
        digests = address_digests or {}
        columns = [[getattr(standing, column.name) for standing in standings.values()] for column in fields(Standing)]
        await connection.execute(SETTLE, list(standings), [digests.get(mail) for mail in standings], *columns)


async def prune(connection: Connection, ended_before: datetime, limit: int) -> int:
    """Delete mails that ended, and could not have been sent any more, before an instant. Returns how many."""
    pruned: int = await connection.fetchval(PRUNE, ended_before, limit)
    return pruned


async def find(connection: Connection, handle_digest: bytes) -> Found | None:
    """The mail of a handle."""
    row = await connection.fetchrow(FIND, handle_digest)
    return None if row is None else Found(row["delivery_id"], row["accepted_at"], row["address_digest"], _standing(row))


async def queue(pool: Pool, now: datetime) -> dict[tuple[int, State], tuple[int, float]]:
    """By priority and state: how many mails wait, and for how many seconds the longest due one.

    One that a sender has in hand waits for nobody.
    """
    rows = await pool.fetch(QUEUE, now)
    return {(row["priority"], State(row["state"])): (row["waiting"], row["oldest"]) for row in rows}


def _held_as(mails: Collection[Mail]) -> tuple[list[UUID], list[int]]:
    return [mail.delivery_id for mail in mails], [mail.fence for mail in mails]


def _held(row: Any) -> Held:
    return Held(row["delivery_id"], row["recipient_id"], _standing(row), row["expires_at"], row["replaced"])


def _standing(row: Any) -> Standing:
    return Standing(State(row["state"]), row["state_at"], row["due_at"], row["attempts"], row["reason"])
