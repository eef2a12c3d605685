"""Letters dug up: handled as a door would have, in order, each in one transaction; or dropped with a reason.

A letter's transaction takes the lock that the inbox takes on its key, so that new messages of the key park behind it
until the last letter is gone, and none overtakes (docs/architecture/delivery.md).
"""

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeAlias, TypeVar
from uuid import UUID

import structlog

from chassis import inbox
from chassis.database import is_outage
from chassis.dead_letters import storage
from chassis.dead_letters.masking import event_id_of, is_readable
from chassis.dead_letters.storage import Choice, Parked
from chassis.outcomes import Refusal
from chassis.subscriptions import Subscription
from chassis.telemetry import described
from chassis.work import Actor, Unit, Work
from contracts.cloudevents import read_envelope, read_event

log = structlog.get_logger()
T = TypeVar("T")

AT_ONCE = 200  # letters read ahead

Ending = Literal["applied", "refused", "duplicate", "ignored"]


class NobodyTakesIt(Exception):
    """The letter's type has no subscription in this service any more."""


@dataclass(frozen=True)
class Redriven:
    """The letter is gone: its handler applied or refused it, it had been applied before, or it is nothing to us."""

    id: int
    ending: Ending


@dataclass(frozen=True)
class Failed:
    """The letter stays, with this reason and one more attempt."""

    id: int
    reason: str


@dataclass(frozen=True)
class Waiting:
    """The letter stays untried: an earlier one of its key, `earlier`, failed."""

    id: int
    earlier: int


@dataclass(frozen=True)
class Drop:
    """A letter to give up, and why."""

    letter_id: int
    reason: str


Outcome: TypeAlias = Redriven | Failed | Waiting


class Redrive(Generic[T]):
    """Digs up the letters of one service."""

    def __init__(self, unit: Unit[T], subscriptions: Sequence[Subscription[T]]) -> None:
        """What a handler does, it does as the service; that it was made to, `actor` answers for."""
        self._unit = unit
        self._by_type: Mapping[str, Subscription[T]] = {s.event.type_name(): s for s in subscriptions}

    async def one(self, letter_id: int, actor: Actor) -> Redriven | Failed | Refusal:
        """Redrive one letter; refused while an earlier one of its key stands and order matters.

        Raises what a failing database raises; then nothing was done, or CommitUnknown and the inbox knows.
        """
        try:
            committed = await self._unit.run(self._dig_up, letter_id, actor)
            return committed.outcome
        except Exception as error:
            if is_outage(error):
                raise
            log.warning("redrive failed", letter=letter_id, exc_info=error)
            failed = Failed(letter_id, described(error))
        return (await self._unit.run(_note, failed, actor)).outcome

    async def many(self, choice: Choice, actor: Actor, after: int = 0) -> AsyncGenerator[Outcome, None]:
        """Redrive the chosen letters whose id is above `after`, oldest first; a key stops at its first failure.

        Those that park meanwhile are redriven too.
        """
        stopped: dict[tuple[str, str, bytes | None], int] = {}
        while found := await storage.following(self._unit.pool, choice, after, AT_ONCE):
            for letter in found:
                after, key = letter.id, letter.key
                if letter.ordered and key in stopped:
                    yield Waiting(letter.id, stopped[key])
                    continue
                match await self.one(letter.id, actor):
                    case Refusal(code="dead_letter_behind") as refusal:
                        stopped[key] = refusal.parameters["earlier"]
                        yield Waiting(letter.id, stopped[key])
                    case Refusal():
                        continue  # somebody else took it away
                    case Failed() as failed:
                        if letter.ordered:
                            stopped[key] = letter.id
                        yield failed
                    case redriven:
                        yield redriven

    async def _dig_up(self, work: Work[T], letter_id: int) -> Redriven | Refusal:
        parked = await _in_hand(work, letter_id)
        if isinstance(parked, Refusal):
            return parked
        if (earlier := await storage.earlier(work.connection, parked)) is not None:
            return Refusal("dead_letter_behind", {"earlier": earlier})
        ending = await self._handle(work, parked)
        await storage.settle(work.connection, letter_id, "redriven")
        _audit(work, "dead_letter.redriven", parked, ending=ending)
        return Redriven(letter_id, ending)

    async def _handle(self, work: Work[T], parked: Parked) -> Ending:
        letter = parked.letter
        envelope = read_envelope(letter.wire_headers())
        subscription = self._by_type.get(envelope.type)
        if subscription is None:
            raise NobodyTakesIt("this service has no handler for the letter's type")
        taking = subscription.taking(read_event(envelope, letter.key, letter.payload))
        if taking is None:
            return "ignored"
        handler, command = taking
        if not await inbox.claim_alone(work.connection, letter.consumer, envelope.id):
            return "duplicate"
        actor, work.actor = work.actor, work.origin.itself
        outcome = await handler(work, command)
        work.actor = actor
        return "refused" if isinstance(outcome, Refusal) else "applied"


async def drop(work: Work[Any], command: Drop) -> Parked | Refusal:
    """Give a letter up: it is gone, and its message is never applied, also when the broker delivers it again.

    One that cannot be read was never a message; mended by its publisher, it may come again under the same id.
    """
    parked = await _in_hand(work, command.letter_id)
    if isinstance(parked, Refusal):
        return parked
    event_id = event_id_of(parked.letter)
    if event_id is not None and is_readable(parked.letter):
        await inbox.claim_alone(work.connection, parked.letter.consumer, event_id)
    await storage.settle(work.connection, parked.id, "dropped")
    _audit(work, "dead_letter.dropped", parked, reason=command.reason)
    return parked


async def _in_hand(work: Work[Any], letter_id: int) -> Parked | Refusal:
    """The letter, and its key locked, for the transaction that is open."""
    seen = await storage.find(work.connection, letter_id)
    if seen is not None and seen.letter.ordered:
        await inbox.lock_key(work.connection, seen.letter.consumer, seen.letter.topic, seen.letter.key or b"")
    parked = await storage.lock(work.connection, letter_id) if seen is not None else None
    work.take_time()
    return Refusal("not_found") if parked is None else parked


async def _note(work: Work[Any], failed: Failed) -> Failed | Refusal:
    parked = await _in_hand(work, failed.id)
    if isinstance(parked, Refusal):
        return parked
    await storage.note_failure(work.connection, failed.id, failed.reason, work.now)
    _audit(work, "dead_letter.failed_again", parked, reason=failed.reason)
    return failed


def _audit(work: Work[Any], action: str, parked: Parked, **detail: Any) -> None:
    """Where the letter lay, never what it held: a digest of somebody's name can be guessed, and the audit stays."""
    letter = parked.letter
    event_id: UUID | None = event_id_of(letter)
    work.audit(
        action,
        object_id=event_id,
        letter=parked.id,
        consumer=letter.consumer,
        topic=letter.topic,
        partition=letter.partition,
        offset=letter.offset,
        **detail,
    )
