"""Idempotency-Key: a request that is sent again makes nothing new; it gets the resource that the first one made."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from chassis.database import Connection, lock_number
from chassis.outcomes import Refusal

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
    """The same request was carried out before, made this resource and was answered with this Mandat-After."""

    resource_id: UUID
    mandat_after: str | None


async def guard(
    connection: Connection,
    once: Once,
    step: Callable[[], Awaitable[tuple[R, str | None]]],
    resource: Callable[[Any], UUID],
) -> R | Repeated | Refusal:
    """Take the step, unless the same request was carried out before; `resource` says which one it made.

    The step returns its outcome, and the Mandat-After that tells what it wrote.
    """
    number = lock_number(once.principal, once.route, once.key)
    if not await connection.fetchval("select pg_try_advisory_xact_lock($1)", number):
        return Refusal("idempotency_in_progress", retry_after=1)
    known = await connection.fetchrow(
        "select body_digest, resource_id, mandat_after from idempotency_keys"
        " where principal = $1 and route = $2 and key = $3",
        once.principal,
        once.route,
        once.key,
    )
    if known is not None:
        if known["body_digest"] != once.body_digest:
            return Refusal("idempotency_key_reused")
        return Repeated(known["resource_id"], known["mandat_after"])
    outcome, mandat_after = await step()
    if not isinstance(outcome, Refusal):
        await connection.execute(
            "insert into idempotency_keys (principal, route, key, body_digest, resource_id, mandat_after)"
            " values ($1, $2, $3, $4, $5, $6)",
            once.principal,
            once.route,
            once.key,
            once.body_digest,
            resource(outcome),
            mandat_after,
        )
    return outcome
