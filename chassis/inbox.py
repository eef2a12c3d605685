"""The inbox: each message is applied once, because its id is claimed in the transaction that does its work."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from chassis.database import Connection, lock_number
from chassis.letter import DeadLetter, park


@dataclass(frozen=True)
class Claim:
    """A message about to be handled: who consumes it, its event id, its key, and whether order within the key matters.

    `letter` makes the dead letter that it becomes when an earlier message of its key is parked.
    """

    consumer: str
    event_id: UUID
    topic: str
    key: bytes
    ordered: bool
    letter: Callable[[str], DeadLetter]


class Duplicate:
    """The message was applied before; nothing was done."""


class Behind:
    """An earlier message of the same key is parked, and order matters."""


class NotTogether(Exception):
    """A key of the batch has a parked message: each message of the batch must be looked at by itself."""


async def take(connection: Connection, claim: Claim) -> type[Duplicate] | type[Behind] | None:
    """Claim a message for the transaction that is open. None when it is this transaction's to apply."""
    if not claim.ordered:
        return None if await claim_alone(connection, claim.consumer, claim.event_id) else Duplicate
    await lock_key(connection, claim.consumer, claim.topic, claim.key)
    row = await connection.fetchrow(
        "with standing as (select"
        " exists (select from inbox where consumer = $1 and event_id = $2) as applied,"
        " exists (select from dead_letters where consumer = $1 and topic = $3 and key = $4 and ordered) as behind),"
        " fresh as (insert into inbox (consumer, event_id)"
        " select $1, $2 from standing where not applied and not behind on conflict do nothing returning true)"
        " select applied, behind, exists (select from fresh) as fresh from standing",
        claim.consumer,
        claim.event_id,
        claim.topic,
        claim.key,
    )
    assert row is not None
    if row["fresh"]:
        return None
    if row["applied"] or not row["behind"]:
        return Duplicate
    await park(connection, claim.letter("an earlier message of this key is parked"))
    return Behind


async def claim_alone(connection: Connection, consumer: str, event_id: UUID) -> bool:
    """Claim a message whatever is parked. False when it was claimed before."""
    return bool(
        await connection.fetchval(
            "insert into inbox (consumer, event_id) values ($1, $2) on conflict do nothing returning true",
            consumer,
            event_id,
        )
    )


async def lock_key(connection: Connection, consumer: str, topic: str, key: bytes) -> None:
    """Let nobody else handle, redrive or drop a message of this key until the transaction ends."""
    await connection.execute("select pg_advisory_xact_lock($1)", lock_number(consumer, topic, key.hex()))


async def take_all(connection: Connection, claims: Sequence[Claim]) -> list[bool]:
    """Claim messages of one subscription for the transaction that is open. Says of each whether it is ours to apply.

    Raises NotTogether.
    """
    consumer, topic, ordered = claims[0].consumer, claims[0].topic, claims[0].ordered
    if ordered:
        keys = {claim.key for claim in claims}
        # Sorted, here and below, so that two transactions never wait for each other.
        await connection.execute(
            "select pg_advisory_xact_lock(number) from unnest($1::bigint[]) number",
            sorted(lock_number(consumer, topic, key.hex()) for key in keys),
        )
        if await connection.fetchval(
            "select exists (select from dead_letters where consumer = $1 and topic = $2 and key = any($3) and ordered)",
            consumer,
            topic,
            list(keys),
        ):
            raise NotTogether
    rows = await connection.fetch(
        "insert into inbox (consumer, event_id) select $1, id from unnest($2::uuid[]) id"
        " on conflict do nothing returning event_id",
        consumer,
        sorted({claim.event_id for claim in claims}),
    )
    fresh = {row["event_id"] for row in rows}
    ours = []
    for claim in claims:  # of two messages with one id, the first is applied
        ours.append(claim.event_id in fresh)
        fresh.discard(claim.event_id)
    return ours
