"""The table of mails: SQL and the mapping of its rows."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from chassis.database import Connection, Pool, lock_number
from services.notifications.domain import Mail, Standing, State

# One row per deduplication_id: a request that comes again changes nothing.
INSERT = """
insert into mails (delivery_id, deduplication_id, handle_digest, recipient_id, kind, language, fields, sealed,
    priority, replaces, expires_at, message_id, accepted_at, state, state_at, due_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 'accepted', $13, $13)
on conflict (deduplication_id) do nothing
returning true
"""

# Among the mails of one purpose only the newest may still be sent, whichever of them arrived first.
REPLACE = """
with newest as (
    select delivery_id from mails where recipient_id = $1 and replaces = $2 order by delivery_id desc limit 1
)
update mails set replaced = true
from newest
where recipient_id = $1 and replaces = $2 and mails.delivery_id < newest.delivery_id
    and due_at is not null and not replaced
"""

# A mail waits while an older one of its purpose is still in a sender's hand: code 1 must not arrive after code 2.
CLAIM = """
update mails set lease_until = $2, attempts = attempts + 1
where delivery_id in (
    select delivery_id from mails as m
    where due_at <= $1 and expires_at > $1 and not replaced and (lease_until is null or lease_until <= $1)
        and delivery_id <> all($4::uuid[])
        and not exists (
            select from mails as older
            where older.recipient_id = m.recipient_id and older.replaces = m.replaces
                and older.delivery_id < m.delivery_id and older.due_at is not null and older.lease_until > $1
        )
    order by priority, due_at
    limit $3
    for update skip locked
)
returning delivery_id, kind, language, fields, sealed, priority, expires_at, message_id, accepted_at, due_at,
    lease_until, attempts
"""

# Those of the attempts that still count: no other sender has taken the mail since.
HOLD = """
select delivery_id, recipient_id, state, state_at, due_at, attempts, reason, expires_at, replaced
from mails
join unnest($1::uuid[], $2::integer[]) as attempted (delivery_id, attempts) using (delivery_id, attempts)
where due_at is not null
order by delivery_id
for update of mails
"""

SETTLE = """
update mails set state = $2, state_at = $3, due_at = $4, attempts = $5, reason = $6, lease_until = null,
    sealed = case when $4::timestamptz is null then null else sealed end,
    address_digest = coalesce($7, address_digest)
where delivery_id = $1
"""

# Mails that nobody has in hand and that must not be sent any more.
HOLD_OVERDUE = """
select delivery_id, recipient_id, kind, state, state_at, due_at, attempts, reason, expires_at, replaced
from mails
where due_at is not null and (expires_at <= $1 or replaced) and (lease_until is null or lease_until <= $1)
order by delivery_id
limit $2
for update skip locked
"""

FIND = "select state, state_at, due_at, attempts, reason from mails where handle_digest = $1"

QUEUE = """
select priority, count(*) as waiting,
    coalesce(extract(epoch from $1::timestamptz - min(due_at) filter (where due_at <= $1 and lease_until is null)), 0)
        ::float as oldest
from mails where due_at is not null group by priority
"""


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
    accepted_at: datetime


@dataclass(frozen=True)
class Held:
    """A mail whose row is locked."""

    delivery_id: UUID
    recipient_id: UUID
    standing: Standing
    expires_at: datetime
    replaced: bool


async def insert(connection: Connection, mail: Incoming) -> bool:
    """Keep a mail. False when its request was here before."""
    fresh = await connection.fetchval(
        INSERT,
        mail.delivery_id,
        mail.deduplication_id,
        mail.handle_digest,
        mail.recipient_id,
        mail.kind,
        mail.language,
        mail.fields,
        mail.sealed,
        mail.priority,
        mail.replaces,
        mail.expires_at,
        mail.message_id,
        mail.accepted_at,
    )
    return fresh is True


async def lock_purpose(connection: Connection, recipient_id: UUID, purpose: str) -> None:
    """Keep apart, until the commit, two requests of one purpose, which would not see each other."""
    await connection.execute("select pg_advisory_xact_lock($1)", lock_number("purpose", str(recipient_id), purpose))


async def keep_newest(connection: Connection, recipient_id: UUID, purpose: str) -> None:
    """Mark every unsent mail of the purpose but the newest as replaced."""
    await connection.execute(REPLACE, recipient_id, purpose)


async def claim(
    connection: Connection, *, now: datetime, lease_until: datetime, limit: int, except_for: Collection[UUID]
) -> list[Mail]:
    """Take due mails into hand, the most urgent first; nobody else gets them before the lease ends."""
    rows = await connection.fetch(CLAIM, now, lease_until, limit, list(except_for))
    mails = [Mail(**dict(row)) for row in rows]
    return sorted(mails, key=lambda mail: (mail.priority, mail.due_at))


async def hold(connection: Connection, attempts: Sequence[Mail]) -> dict[UUID, Held]:
    """Lock the mails whose attempt still counts."""
    rows = await connection.fetch(HOLD, [mail.delivery_id for mail in attempts], [mail.attempts for mail in attempts])
    return {row["delivery_id"]: _held(row) for row in rows}


async def hold_overdue(connection: Connection, now: datetime, limit: int) -> list[tuple[str, Held]]:
    """Lock mails that must not be sent any more, each with its kind."""
    return [(row["kind"], _held(row)) for row in await connection.fetch(HOLD_OVERDUE, now, limit)]


async def settle(
    connection: Connection,
    standings: Sequence[tuple[UUID, Standing]],
    address_digests: Mapping[UUID, bytes | None] | None = None,
) -> None:
    """Write where mails stand now; with a mail's end its seal goes, and of its address the digest stays."""
    digests = address_digests or {}
    await connection.executemany(
        SETTLE,
        [
            (
                identity,
                standing.state,
                standing.since,
                standing.due_at,
                standing.attempts,
                standing.reason,
                digests.get(identity),
            )
            for identity, standing in standings
        ],
    )


async def find(connection: Connection, handle_digest: bytes) -> Standing | None:
    """Where the mail of a handle stands."""
    row = await connection.fetchrow(FIND, handle_digest)
    return None if row is None else _standing(row)


async def queue(pool: Pool, now: datetime) -> dict[int, tuple[int, float]]:
    """By priority: how many mails wait, and for how many seconds the longest due one that nobody has in hand."""
    return {row["priority"]: (row["waiting"], row["oldest"]) for row in await pool.fetch(QUEUE, now)}


def _held(row: Any) -> Held:
    return Held(row["delivery_id"], row["recipient_id"], _standing(row), row["expires_at"], row["replaced"])


def _standing(row: Any) -> Standing:
    return Standing(State(row["state"]), row["state_at"], row["due_at"], row["attempts"], row["reason"])
