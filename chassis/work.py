"""One use case, one transaction: state, inbox claim, audit rows and outbox rows stand or fall together."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any, Generic, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg
import prometheus_client
import structlog
from asyncpg.transaction import Transaction

from chassis import after, idempotency, inbox, outbox, refusals, states, tracing
from chassis.after import Written
from chassis.bell import Bell
from chassis.database import COLLISIONS, WRITE_JSON, Connection, Pool, Pooled
from chassis.idempotency import Once, Repeated
from chassis.inbox import Behind, Claim, Duplicate
from chassis.outbox import Record
from chassis.outcomes import CommitUnknown, Made, Refusal
from chassis.refusals import Refused
from contracts.cloudevents import Envelope, Forgotten
from contracts.events import Event, State
from contracts.topics import Topic

log = structlog.get_logger()

T = TypeVar("T")
C = TypeVar("C")
R = TypeVar("R")

Clock = Callable[[], datetime]

GIVING_WAY = (0.05, 0.2, 0.8)
"""Seconds that a transaction rests which PostgreSQL ended for a deadlock, before it runs again: the other one, which
waits for a row of it, has only been woken, and would find the row taken once more."""

ACTS = prometheus_client.Counter(
    "mandat_acts", "What was done, and committed, as the audit names it, by the kind of actor", ["action", "actor"]
)

# An entry waits to be sealed (chassis/audit/) from the moment that it is there.
NOTE = """
with entry as (
    insert into audit
        (at, organization_id, actor_kind, actor_id, profile_id, action, object_id, detail, data_version, rule)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) returning id
)
insert into audit_unsealed (entry_id) select id from entry
"""


@dataclass(frozen=True)
class Actor:
    """Who acts, for the audit: a person's account, an agent, a machine, or a service for a message it received."""

    kind: str
    id: str
    profile_id: UUID | None = None

    @property
    def reference(self) -> str:
        """Kind and id as one text, as rows keep who asked, claimed or granted."""
        return f"{self.kind}:{self.id}"


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

    @property
    def itself(self) -> Actor:
        """The service as the one who acts: on a message that it received, or unasked."""
        return Actor("service", self.service)


@dataclass
class Work(Generic[T]):
    """What a handler has in hand. `now` is one instant for the whole decision; take it again after a lock.

    `rule` names for the audit why the actor may do this, `concerning` is the organization in whose file a refusal is
    noted; a handler that finds them out sets them.
    """

    connection: Connection
    tools: T
    actor: Actor
    origin: Origin
    now: datetime
    rule: str | None = None
    concerning: UUID | None = None
    _records: list[Record] = field(default_factory=list)
    _audit: list[tuple[Any, ...]] = field(default_factory=list)
    _afterwards: list[Callable[[], None]] = field(default_factory=list)
    _written: list[Written] = field(default_factory=list)

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
        self._publish(event)

    def forget(self, state: type[State], key: UUID) -> None:
        """Publish a tombstone: whoever holds something about this thing erases it, and so does the topic."""
        self._publish(Forgotten(state, key))

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
                self.rule or _plain_rule(self.actor),
            )
        )

    @property
    def has_audited(self) -> bool:
        """Whether the handler has noted anything."""
        return bool(self._audit)

    def ring(self, bell: Bell) -> None:
        """Wake whoever waits for rows of this transaction, once it is committed."""
        self.afterwards(bell.ring)

    def afterwards(self, act: Callable[[], None]) -> None:
        """Do this once the transaction is committed, and never if it is rolled back. It must not fail."""
        self._afterwards.append(act)

    async def flush(self) -> list[Written]:
        """Write audit and outbox rows, at the end of the transaction. Returns every event it wrote."""
        audit, self._audit = self._audit, []
        records, self._records = self._records, []
        if audit:
            await self.connection.executemany(NOTE, audit)
            self.afterwards(partial(_count, audit))
        if records:
            await states.keep(self.connection, records)
            await outbox.write(self.connection, records)
        return self._written

    def _publish(self, event: Event | Forgotten) -> None:
        envelope = Envelope.around(
            event, id=self.new_id(), source=self.origin.source, time=self.now, traceparent=tracing.current()
        )
        topic, key = _destination(event).name, str(event.key)
        self._records.append(
            Record(
                topic=self.origin.topic_prefix + topic,
                key=key,
                headers=WRITE_JSON(envelope.attributes()),
                payload=None if isinstance(event, Forgotten) else event.model_dump_json().encode(),
                is_state=isinstance(event, State | Forgotten),
            )
        )
        self._written.append(Written(topic, envelope.type, envelope.id, key))


def _count(audit: Sequence[tuple[Any, ...]]) -> None:
    for (kind, action), number in Counter((row[2], row[5]) for row in audit).items():
        ACTS.labels(action, kind).inc(number)


def _destination(event: Event | Forgotten) -> Topic:
    return event.event.topic if isinstance(event, Forgotten) else event.destination


def _plain_rule(actor: Actor) -> str | None:
    """Why an actor may, where no handler said: agents, operators, machines and services act as what they are.

    An account without a profile acts for itself; with one, only the handler knows.
    """
    match actor:
        case Actor(kind="account", profile_id=None):
            return "self"
        case Actor(kind="agent" | "machine" | "operator" | "service"):
            return actor.kind
    return None


Handler = Callable[[Work[T], C], Awaitable[R]]


@dataclass(frozen=True)
class Committed(Generic[R]):
    """How a use case ended, and what it published."""

    outcome: R
    written: list[Written]


@dataclass(frozen=True)
class Unit(Generic[T]):
    """Runs handlers, each in one transaction, and wakes the relay after the commit.

    With a connection `held`, it runs them one after another on that one, else on any of the pool.
    """

    pool: Pool
    tools: T
    origin: Origin
    outbox: Bell
    held: "Pooled | None" = None

    async def room(self) -> None:
        """Wait while the outbox is deep. Bulk work calls this between portions, so that nothing urgent waits behind it.

        Call it with no transaction open. Raises what a failing database raises.
        """
        await outbox.room(self.pool)

    async def run(self, handler: Handler[T, C, R], command: C, actor: Actor) -> Committed[R]:
        """Run a handler and commit, also when it returns a Refusal. Whatever it raises rolls back.

        A row that appeared, vanished or collided re-runs the whole handler once; a deadlock, a few times, after a
        rest. Raises CommitUnknown.
        """

        async def step(work: Work[T]) -> R:
            return await _tried(work, handler, command)

        with tracing.working(handler.__name__):
            return await self._settled(step, actor)

    async def run_once(
        self, handler: Handler[T, C, R], command: C, actor: Actor, once: Once, made: Callable[[Any], Made]
    ) -> Committed[R | Repeated | Refusal]:
        """The same for a request with an Idempotency-Key: a repetition gets what the first one made."""

        async def guarded(work: Work[T]) -> R | Repeated | Refusal:
            async def step() -> tuple[R, str | None]:
                outcome = await _tried(work, handler, command)
                return outcome, after.name(await work.flush())

            return await idempotency.guard(work.connection, once, step, made)

        with tracing.working(handler.__name__):
            return await self._settled(guarded, actor)

    async def receive(
        self, handler: Handler[T, C, R], command: C, claim: Claim
    ) -> Committed[R | type[Duplicate] | type[Behind]]:
        """Run the handler of a message: its inbox claim stands or falls with its work."""

        async def claimed(work: Work[T]) -> R | type[Duplicate] | type[Behind]:
            standing = await inbox.take(work.connection, claim)
            return await handler(work, command) if standing is None else standing

        return await self._settled(claimed, self.origin.itself)

    async def receive_all(
        self, handler: Handler[T, Sequence[C], R], commands: Sequence[C], claims: Sequence[Claim]
    ) -> list[bool]:
        """Run a handler once, in one transaction, for those of several messages that were not applied before.

        Says of each whether it was applied now. Raises NotTogether when one must be looked at by itself.
        """

        async def claimed(work: Work[T]) -> list[bool]:
            fresh = await inbox.take_all(work.connection, claims)
            if ours := [command for command, is_fresh in zip(commands, fresh, strict=True) if is_fresh]:
                await handler(work, ours)
            return fresh

        return (await self._settled(claimed, self.origin.itself)).outcome

    async def _settled(self, step: Callable[[Work[T]], Awaitable[R]], actor: Actor) -> Committed[R]:
        for pause in GIVING_WAY:
            try:
                return await self._transact(step, actor)
            except COLLISIONS as error:
                log.info("collision, running again", sqlstate=error.sqlstate, constraint=error.constraint_name)
                if not isinstance(error, asyncpg.DeadlockDetectedError):
                    break
                await asyncio.sleep(pause * random.uniform(0.5, 1.5))
        return await self._transact(step, actor)

    async def _transact(self, step: Callable[[Work[T]], Awaitable[R]], actor: Actor) -> Committed[R]:
        if self.held is not None:
            return await self._transact_on(self.held, step, actor)
        async with self.pool.acquire() as connection:
            return await self._transact_on(connection, step, actor)

    async def _transact_on(
        self, connection: Connection, step: Callable[[Work[T]], Awaitable[R]], actor: Actor
    ) -> Committed[R]:
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
        for act in work._afterwards:
            act()
        return Committed(outcome, written)


async def _tried(work: Work[T], handler: Handler[T, C, R], command: C) -> R:
    """Run a handler. A refusal that it has not noted itself is noted: who tried what, and the ids that were named."""
    outcome = await handler(work, command)
    if isinstance(outcome, Refusal) and not work.has_audited:
        named = getattr(command, "__dict__", {})
        ids = {name: str(value) for name, value in named.items() if isinstance(value, UUID)}
        await refusals.note(work, Refused(handler.__name__, outcome.code, work.concerning, ids))
    return outcome


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
