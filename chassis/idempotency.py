"""Idempotency-Key: a request that is sent again makes nothing new; it gets the resource that the first one made."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from chassis.database import Connection, lock_number
from chassis.outcomes import Done, Made, Pending, Refusal

R = TypeVar("R")


@dataclass(frozen=True)
class Once:
    """An Idempotency-Key as the caller sent it, for one principal and one route."""

    principal: str
    route: str
    key: str
    body_digest: bytes


@dataclass(frozen=True)
class Repeated:
    """The same request was carried out before, made this and was answered with this Mandat-After."""

    made: Made
    mandat_after: str | None


async def guard(
    connection: Connection,
    once: Once,
    step: Callable[[], Awaitable[tuple[R, str | None]]],
    made: Callable[[Any], Made],
) -> R | Repeated | Refusal:
    """Take the step, unless the same request was carried out before; `made` says what came of it.

    The step returns its outcome, and the Mandat-After that tells what it wrote.
    """
    number = lock_number(once.principal, once.route, once.key)
    if not await connection.fetchval("select pg_try_advisory_xact_lock($1)", number):
        return Refusal("idempotency_in_progress", retry_after=1)
    known = await connection.fetchrow(
        "select body_digest, resource_id, pending, mandat_after from idempotency_keys"
        " where principal = $1 and route = $2 and key = $3",
        once.principal,
        once.route,
        once.key,
    )
    if known is not None:
        if known["body_digest"] != once.body_digest:
            return Refusal("idempotency_key_reused")
        resource_id = known["resource_id"]
        return Repeated(Pending(resource_id) if known["pending"] else Done(resource_id), known["mandat_after"])
    outcome, mandat_after = await step()
    if not isinstance(outcome, Refusal):
        ended = made(outcome)
        await connection.execute(
            "insert into idempotency_keys (principal, route, key, body_digest, resource_id, pending, mandat_after)"
            " values ($1, $2, $3, $4, $5, $6, $7)",
            once.principal,
            once.route,
            once.key,
            once.body_digest,
            ended.resource_id,
            isinstance(ended, Pending),
            mandat_after,
        )
    return outcome
