"""Sends the mails that wait: takes them in hand by lease, carries them over SMTP, records what came of it.

No transaction is open while a mail travels. A crash between the host's answer to DATA and the record leaves the lease
to run out, and the mail goes a second time with the same Message-ID: at least once, there and nowhere else.
"""

import asyncio
import contextlib
from datetime import datetime, timedelta
from typing import TypeVar, assert_never
from uuid import UUID

import structlog

from chassis.database import neighbour_failed
from chassis.outcomes import CommitUnknown, Poison
from chassis.work import Actor, Handler, Unit
from services.notifications import handlers, metrics
from services.notifications.composition import CANNOT_DECRYPT, Letter, Unsendable
from services.notifications.domain import (
    Attempt,
    HandedBack,
    Mail,
    Outcome,
    Overdue,
    Refused,
    Sent,
    Suppressed,
    TryLater,
)
from services.notifications.smtp import OPENING, TRANSFER, Availability, HostUnavailable, Line
from services.notifications.tools import Tools

log = structlog.get_logger()
C = TypeVar("C")
R = TypeVar("R")

POLL = 1.0  # seconds, behind the bell; also finds what was deferred until now
IN_HAND_PER_CONNECTION = 4  # mails: enough to keep a connection busy, few enough that an urgent one soon has its turn
ATTEMPT = timedelta(seconds=OPENING + TRANSFER)  # the longest that one attempt takes
LEASE = 2 * ATTEMPT  # an attempt is begun only while the lease outlasts it
FINISH = 12.0  # seconds, when stopping, for what is under way; less than an operator's patience of 15
DATABASE_BACK_OFF = (0.2, 5.0)  # seconds, first and longest pause while the database is away
OUR_OWN_FAULT = "4.3.0"  # RFC 3463: other or undefined mail system status

SENDER = Actor("service", "notifications")


class Sender:
    """One process's sender. Several may run on one database: a mail is in the hand of one of them."""

    def __init__(self, unit: Unit[Tools]) -> None:
        """`unit` runs the transactions; its tools hold composer, sealer, mail host and bell."""
        self._unit = unit
        self._tools = unit.tools
        self._capacity = IN_HAND_PER_CONNECTION * unit.tools.mail_host.connections
        self._host = Availability()
        self._in_hand: dict[UUID, Mail] = {}
        self._waiting: asyncio.PriorityQueue[tuple[int, float, UUID, Mail]] = asyncio.PriorityQueue()
        self._ended: asyncio.Queue[Attempt] = asyncio.Queue()
        self._nothing_in_hand = asyncio.Event()
        self._stopping = False

    async def run(self) -> None:
        """Send until cancelled; then take nothing more, hand back what is not begun, and finish what is."""
        taking = asyncio.create_task(self._take_in_hand(), name="take")
        others = [asyncio.create_task(self._record(), name="record")]
        others += [asyncio.create_task(self._carry(), name="carry") for _ in range(self._tools.mail_host.connections)]
        try:
            done, _ = await asyncio.wait([taking, *others], return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            await self._finish(taking)
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)

    async def _finish(self, taking: "asyncio.Task[None]") -> None:
        self._stopping = True
        self._tools.mails.ring()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.gather(taking, return_exceptions=True), FINISH)
        while not self._waiting.empty():
            self._ended.put_nowait(Attempt(self._waiting.get_nowait()[-1], HandedBack()))
        if self._in_hand:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._nothing_in_hand.wait(), FINISH)

    async def _take_in_hand(self) -> None:
        while not self._stopping:
            room = self._capacity - len(self._in_hand)
            pause = self._host.seconds_to_wait
            more = False
            if pause == 0 and room >= self._capacity // 2:
                room = 1 if self._host.on_trial else room
                taken = await self._patiently(handlers.take, handlers.Take(room, LEASE, frozenset(self._in_hand)))
                for mail in taken:
                    self._in_hand[mail.delivery_id] = mail
                    self._waiting.put_nowait((mail.priority, mail.due_at.timestamp(), mail.delivery_id, mail))
                more = len(taken) == room and not self._host.on_trial
            if not more:
                await self._tools.mails.wait(pause or POLL)

    async def _carry(self) -> None:
        line = Line(self._tools.mail_host)
        try:
            while True:
                *_, mail = await self._waiting.get()
                self._ended.put_nowait(await self._attempt(mail, line))
        finally:
            await line.close()

    async def _attempt(self, mail: Mail, line: Line) -> Attempt:
        now = self._unit.origin.clock()
        if mail.expires_at <= now:
            return Attempt(mail, Overdue())
        if self._host.seconds_to_wait or mail.lease_until - now < ATTEMPT:
            return Attempt(mail, HandedBack())
        letter = self._compose(mail)
        if not isinstance(letter, Letter):
            return Attempt(mail, letter)
        outcome = await self._suppressed(letter) or await self._hand_over(letter, mail.expires_at, line)
        return Attempt(mail, outcome, self._tools.suppressions.digest(letter.recipient))

    async def _suppressed(self, letter: Letter) -> Suppressed | HandedBack | None:
        try:
            reason = await self._tools.suppressions.reason(letter.recipient)
        except Exception as error:
            if not neighbour_failed(error):
                raise
            return HandedBack()
        return None if reason is None else Suppressed(reason)

    async def _hand_over(self, letter: Letter, expires_at: datetime, line: Line) -> Outcome:
        seconds = (expires_at - self._unit.origin.clock()).total_seconds()
        try:
            refusal = await line.send(letter, seconds)
        except HostUnavailable as error:
            self._host.failed(str(error))
            return HandedBack()
        if self._host.on_trial:
            self._host.answered()
            self._tools.mails.ring()
        return Sent(self._unit.origin.clock()) if refusal is None else refusal

    def _compose(self, mail: Mail) -> Letter | Refused | TryLater:
        composer = self._tools.composer
        try:
            contents = self._tools.sealer.open(mail.sealed, composer.contents(mail.kind))
            return composer.compose(mail, contents, self._unit.origin.clock())
        except Poison:
            log.error("mail cannot be opened", delivery_id=str(mail.delivery_id), kind=mail.kind)
            return Refused(CANNOT_DECRYPT)
        except Unsendable as error:
            log.error("mail cannot be composed", delivery_id=str(mail.delivery_id), kind=mail.kind, status=error.status)
            return Refused(error.status)
        except Exception as error:  # a fault of ours or of the agency's data: a deployment mends it, the mail waits
            log.error("composing failed", delivery_id=str(mail.delivery_id), kind=mail.kind, error=type(error).__name__)
            return TryLater(OUR_OWN_FAULT)

    async def _record(self) -> None:
        while True:
            attempts = [await self._ended.get()]
            while not self._ended.empty():
                attempts.append(self._ended.get_nowait())
            standings = await self._patiently(handlers.conclude, tuple(attempts))
            before = len(self._in_hand)
            for attempt in attempts:
                del self._in_hand[attempt.mail.delivery_id]
                if (standing := standings.get(attempt.mail.delivery_id)) is None:
                    metrics.FORGOTTEN.inc()
                else:
                    _count(attempt, standing.name)
            if before > self._capacity // 2 >= len(self._in_hand):
                self._tools.mails.ring()
            if not self._in_hand:
                self._nothing_in_hand.set()
                self._nothing_in_hand.clear()

    async def _patiently(self, handler: Handler[Tools, C, R], command: C) -> R:
        """Run a handler, for however long the database takes to come back.

        Neither of ours does harm when it runs a second time after a commit that may have succeeded: what was leased
        then waits for its lease to end, what was recorded is found recorded.
        """
        pause = DATABASE_BACK_OFF[0]
        while True:
            try:
                return (await self._unit.run(handler, command, SENDER)).outcome
            except Exception as error:
                if not (isinstance(error, CommitUnknown) or neighbour_failed(error)):
                    raise
                log.warning("sender waits for the database", error=type(error).__name__, seconds=pause)
                await asyncio.sleep(pause)
                pause = min(pause * 2, DATABASE_BACK_OFF[1])


def _count(attempt: Attempt, ended_as: str) -> None:
    kind = attempt.mail.kind
    match attempt.outcome:
        case Sent(at):
            metrics.SECONDS.labels(kind).observe((at - attempt.mail.accepted_at).total_seconds())
            metrics.OUTCOMES.labels(kind, "sent").inc()
        case HandedBack():
            metrics.OUTCOMES.labels(kind, "handed_back").inc()
        case TryLater() | Refused() | Suppressed() | Overdue():
            metrics.OUTCOMES.labels(kind, ended_as).inc()
        case _:
            assert_never(attempt.outcome)
