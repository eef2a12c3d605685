"""One use case, one transaction: state, inbox claim, audit rows and outbox rows stand or fall together."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Generic, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg
import structlog
from asyncpg.transaction import Transaction

from chassis.bell import Bell
from chassis.database import ACQUIRE_TIMEOUT, COLLISIONS, Connection, Pool
from chassis.dead_letters import DeadLetter, park
from chassis.outcomes import CommitUnknown, Refusal
from contracts.cloudevents import Envelope
from contracts.events import Event

log = structlog.get_logger()

T = TypeVar("T")
C = TypeVar("C")
R = TypeVar("R")

Clock = Callable[[], datetime]


@dataclass(frozen=True)
class Actor:
    """Who acts, for the audit: a person's account, an agent, a machine, or a service for a message it received."""

    kind: str
    id: str
    profile_id: UUID | None = None


@dataclass(frozen=True)
class Origin:
    """Where a service publishes from and how it tells time; the same for all of its work."""

    service: str
    source: str
    data_version: str
    topic_prefix: str
    time_zone: ZoneInfo
    clock: Clock
    new_id: Callable[[], UUID]


@dataclass(frozen=True)
class Written:
    """An event that a transaction wrote: what Mandat-After names."""

    topic: str
    type: str
    id: UUID


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


@dataclass(frozen=True)
class Once:
    """An Idempotency-Key as the caller sent it, for one principal and one route."""

    principal: str
    route: str
    key: str
    body_digest: bytes


@dataclass(frozen=True)
class Repeated:
    """The same request was carried out before and made this resource."""

    resource_id: UUID


class Duplicate:
    """The message was applied before; nothing was done."""


class Behind:
    """An earlier message of the same key is parked, and order matters."""


@dataclass
class Work(Generic[T]):
    """What a handler has in hand. `now` is one instant for the whole decision; take it again after a lock."""

    connection: Connection
    tools: T
    actor: Actor
    origin: Origin
    now: datetime
    _events: list[Event] = field(default_factory=list)
    _audit: list[tuple[Any, ...]] = field(default_factory=list)
    _bells: list[Bell] = field(default_factory=list)

    @property
    def today(self) -> date:
        """The agency's legal day."""
        return self.day(self.now)

    def day(self, instant: datetime) -> date:
        """The agency's legal day at an instant."""
        return instant.astimezone(self.origin.time_zone).date()

    def new_id(self) -> UUID:
        """A UUIDv7."""
        return self.origin.new_id()

    def take_time(self, after: datetime | None = None) -> datetime:
        """The decision's instant, taken again once the lock is held, and later than what is already recorded."""
        self.now = self.origin.clock()
        if after is not None:
            self.now = max(self.now, after + timedelta(microseconds=1))
        return self.now

    def publish(self, event: Event) -> None:
        """Hand an event to the outbox; its place in the order is drawn at the end, after every lock."""
        self._events.append(event)

    def audit(
        self, action: str, *, organization_id: UUID | None = None, object_id: UUID | None = None, **detail: Any
    ) -> None:
        """Note who did what; `detail` holds ids, codes and dates, never a secret and never personal fields."""
        self._audit.append(
            (
                self.now,
                organization_id,
                self.actor.kind,
                self.actor.id,
                self.actor.profile_id,
                action,
                object_id,
                detail,
                self.origin.data_version,
            )
        )

    def ring(self, bell: Bell) -> None:
        """Wake whoever waits for rows of this transaction, once it is committed."""
        self._bells.append(bell)

    async def flush(self) -> list[Written]:
        """Write audit and outbox rows. Called once, by the unit, at the end of the transaction."""
        if self._audit:
            await self.connection.executemany(
                "insert into audit (at, organization_id, actor_kind, actor_id, profile_id, action, object_id, detail,"
                " data_version) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
                self._audit,
            )
        if not self._events:
            return []
        envelopes = [
            Envelope.around(event, id=self.new_id(), source=self.origin.source, time=self.now) for event in self._events
        ]
        await self.connection.execute(
            "insert into outbox (topic, key, headers, payload)"
            " select topic, key, headers, payload"
            " from unnest($1::text[], $2::text[], $3::jsonb[], $4::bytea[])"
            " with ordinality as rows (topic, key, headers, payload, place) order by place",
            [self.origin.topic_prefix + event.topic.name for event in self._events],
            [event.key for event in self._events],
            [{name: value.decode() for name, value in envelope.headers()} for envelope in envelopes],
            [event.model_dump_json().encode() for event in self._events],
        )
        return [
            Written(event.topic.name, envelope.type, envelope.id)
            for event, envelope in zip(self._events, envelopes, strict=True)
        ]


Handler = Callable[[Work[T], C], Awaitable[R]]


@dataclass(frozen=True)
class Committed(Generic[R]):
    """How a use case ended, and what it published."""

    outcome: R
    written: list[Written]


@dataclass(frozen=True)
class Unit(Generic[T]):
    """Runs handlers, each in one transaction, and wakes the relay after the commit."""

    pool: Pool
    tools: T
    origin: Origin
    outbox: Bell

    async def run(self, handler: Handler[T, C, R], command: C, actor: Actor) -> Committed[R]:
        """Run a handler and commit, also when it returns a Refusal. Whatever it raises rolls back.

        A row that appeared, vanished or collided re-runs the whole handler once. Raises CommitUnknown.
        """
        return await self._settled(lambda work: handler(work, command), actor)

    async def run_once(
        self, handler: Handler[T, C, R], command: C, actor: Actor, once: Once, resource: Callable[[Any], UUID]
    ) -> Committed[R | Repeated | Refusal]:
        """The same for a request with an Idempotency-Key: a repetition gets the resource that the first one made."""

        async def guarded(work: Work[T]) -> R | Repeated | Refusal:
            return await _guard(work, once, lambda: handler(work, command), resource)

        return await self._settled(guarded, actor)

    async def receive(
        self, handler: Handler[T, C, R], command: C, claim: Claim
    ) -> Committed[R | type[Duplicate] | type[Behind]]:
        """Run the handler of a message: its inbox claim stands or falls with its work."""

        async def claimed(work: Work[T]) -> R | type[Duplicate] | type[Behind]:
            standing = await _claim(work.connection, claim)
            return await handler(work, command) if standing is None else standing

        return await self._settled(claimed, Actor("service", self.origin.service))

    async def _settled(self, step: Callable[[Work[T]], Awaitable[R]], actor: Actor) -> Committed[R]:
        try:
            return await self._transact(step, actor)
        except COLLISIONS as error:
            log.info("collision, running again", sqlstate=error.sqlstate, constraint=error.constraint_name)
            return await self._transact(step, actor)

    async def _transact(self, step: Callable[[Work[T]], Awaitable[R]], actor: Actor) -> Committed[R]:
        async with self.pool.acquire(timeout=ACQUIRE_TIMEOUT) as connection:
            work = Work(connection, self.tools, actor, self.origin, self.origin.clock())
            transaction = connection.transaction()
            await transaction.start()
            try:
                outcome = await step(work)
                written = await work.flush()
            except BaseException:
                await _roll_back(connection, transaction)
                raise
            await _commit(transaction)
        if written:
            self.outbox.ring()
        for bell in work._bells:
            bell.ring()
        return Committed(outcome, written)


async def _roll_back(connection: Connection, transaction: Transaction) -> None:
    """Never raises: what made us roll back is what the caller must see."""
    if connection.is_closed():
        return
    try:
        await transaction.rollback()
    except Exception as error:
        log.warning("rollback failed, connection dropped", error=repr(error))
        connection.terminate()


async def _commit(transaction: Transaction) -> None:
    """Commit. Raises CommitUnknown unless PostgreSQL itself says that it did not."""
    committing = asyncio.ensure_future(transaction.commit())
    try:
        await asyncio.shield(committing)
    except asyncio.CancelledError:
        await asyncio.wait([committing])  # the connection is busy until the answer
        raise
    except Exception as error:
        if isinstance(error, asyncpg.PostgresError) and getattr(error, "severity_en", None) == "ERROR":
            raise
        raise CommitUnknown from error


async def _claim(connection: Connection, claim: Claim) -> type[Duplicate] | type[Behind] | None:
    if not claim.ordered:
        fresh = await connection.fetchval(
            "insert into inbox (consumer, event_id) values ($1, $2) on conflict do nothing returning true",
            claim.consumer,
            claim.event_id,
        )
        return None if fresh else Duplicate
    await connection.execute(
        "select pg_advisory_xact_lock($1)", lock_number(claim.consumer, claim.topic, claim.key.hex())
    )
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


async def _guard(
    work: Work[T], once: Once, step: Callable[[], Awaitable[R]], resource: Callable[[Any], UUID]
) -> R | Repeated | Refusal:
    number = lock_number(once.principal, once.route, once.key)
    if not await work.connection.fetchval("select pg_try_advisory_xact_lock($1)", number):
        return Refusal("idempotency_in_progress", retry_after=1)
    known = await work.connection.fetchrow(
        "select body_digest, resource_id from idempotency_keys where principal = $1 and route = $2 and key = $3",
        once.principal,
        once.route,
        once.key,
    )
    if known is not None:
        if known["body_digest"] != once.body_digest:
            return Refusal("idempotency_key_reused")
        return Repeated(known["resource_id"])
    outcome = await step()
    if not isinstance(outcome, Refusal):
        await work.connection.execute(
            "insert into idempotency_keys (principal, route, key, body_digest, resource_id)"
            " values ($1, $2, $3, $4, $5)",
            once.principal,
            once.route,
            once.key,
            once.body_digest,
            resource(outcome),
        )
    return outcome


def lock_number(*parts: str) -> int:
    """A number for an advisory lock on what the parts name together."""
    digest = hashlib.blake2b("\0".join(parts).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)
