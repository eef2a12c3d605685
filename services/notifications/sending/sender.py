"""Sends the mails that wait: takes them in hand by lease, carries them over SMTP, records what came of it.

No transaction is open while a mail travels. A sender that dies leaves its mails to the others when their leases end; a
mail that the host had in full, and whose answer nobody recorded, then goes a second time with the same Message-ID: at
least once, there and nowhere else.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TypeVar, assert_never
from uuid import UUID

import structlog
from opentelemetry.trace import SpanKind

from chassis import tracing
from chassis.database import neighbour_failed
from chassis.identities import drawn_at
from chassis.work import Handler, Unit
from services.notifications import metrics
from services.notifications.composing.composition import Message
from services.notifications.mails import handlers
from services.notifications.mails.domain import (
    PRIORITIES,
    PRIORITY_NAMES,
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
from services.notifications.mails.leases import RENEW_EVERY, SKEW
from services.notifications.sending.hands import Hands
from services.notifications.sending.hosts import HostUnavailable
from services.notifications.sending.preparing import PORTION, Preparation, Prepared, in_portions
from services.notifications.sending.smtp import Line
from services.notifications.tools import Tools

log = structlog.get_logger()
C = TypeVar("C")
R = TypeVar("R")

URGENT = PRIORITIES["urgent"]

POLL = 1.0  # seconds, behind the bell; also finds what was deferred until now
GATHER = 0.005  # seconds: what ends within so long is recorded together; a kill meanwhile costs a second copy of each
FINISH = 12.0  # seconds, when stopping, for what is under way; less than an operator's patience of 15
DATABASE_BACK_OFF = (0.2, 2.0)  # seconds, first and longest pause; far below a lease, which must be renewed in time


class Sender:
    """One process's sender. Several may run on one database: a mail is in the hand of one of them."""

    def __init__(self, unit: Unit[Tools]) -> None:
        """`unit` runs the transactions; its tools hold composer, sealer, mail hosts, limits and bell."""
        self._unit = unit
        self._tools = unit.tools
        self._hands = Hands(unit.tools.mail_hosts.connections)
        self._preparation = Preparation(unit.tools, unit.origin.clock)
        self._prepared: dict[UUID, Prepared] = {}
        self._preparing: set[asyncio.Task[list[Prepared]]] = set()
        self._given: asyncio.Queue[asyncio.Task[list[Prepared]]] = asyncio.Queue()
        self._urgent_wait = True
        self._ended: asyncio.Queue[Attempt] = asyncio.Queue()
        self._stopping = False

    async def run(self) -> None:
        """Send until cancelled; then take nothing more, hand back what is not begun, and finish what is."""
        hosts = self._tools.mail_hosts
        taking = asyncio.create_task(self._take_in_hand(), name="take")
        others = [
            asyncio.create_task(self._take_what_is_given(), name="take over"),
            asyncio.create_task(self._renew(), name="renew"),
            asyncio.create_task(self._record(), name="record"),
            asyncio.create_task(hosts.watch(self._tools.composer.sender, self._tools.mails.ring), name="watch"),
            *(asyncio.create_task(self._carry(), name="carry") for _ in range(hosts.connections)),
        ]
        self._tools.handover.begin(self)
        try:
            done, _ = await asyncio.wait([taking, *others], return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            self._tools.handover.end(self)
            finishing = asyncio.create_task(self._finish(taking))
            while not finishing.done():
                with contextlib.suppress(asyncio.CancelledError):  # told again to stop, it still has this to finish
                    await asyncio.wait([finishing])
            for task in (taking, *others):
                task.cancel()
            await asyncio.gather(taking, *others, return_exceptions=True)

    async def _finish(self, taking: "asyncio.Task[None]") -> None:
        self._stopping = True
        self._tools.mails.ring()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FINISH):
                await asyncio.wait([taking])
                await self._given.join()
                for mail in self._hands.waiting():
                    self._ended.put_nowait(Attempt(mail, HandedBack()))
                await self._hands.empty.wait()

    async def _take_in_hand(self) -> None:
        while not self._stopping:
            more = False
            room = self._hands.room()
            if room and self._tools.mail_hosts.working is not None:
                command = handlers.Take(room, frozenset(self._hands.mails))
                taken = await self._patiently(partial(handlers.take, self._unit, command))
                for portion in in_portions(taken):
                    self._put_in_hand(await self._preparation.handful(portion))
                full = {rank for rank, places in room.items() if places == sum(m.priority == rank for m in taken)}
                self._urgent_wait = URGENT in full or (self._urgent_wait and URGENT not in room)
                more = bool(full)
            if not more:
                await self._tools.mails.wait(POLL)

    def places(self, wanted: int) -> int:
        """For how many urgent mails of so many the intake may give us; none while others wait, which go first.

        One portion at most: they are made ready together, and the first would wait for the last.
        """
        works = not self._stopping and self._tools.mail_hosts.working is not None
        free = min(self._hands.room().get(URGENT, 0), PORTION) if works and not self._urgent_wait else 0
        self._urgent_wait = wanted > free
        return min(wanted, free)

    def take_over(self, mails: Sequence[Mail]) -> Callable[[], None]:
        """Make these ready while the intake commits their lease, and take them in hand when it calls back."""
        preparing = asyncio.create_task(self._preparation.handful(mails))
        self._preparing.add(preparing)  # a task that nobody holds may vanish
        preparing.add_done_callback(self._preparing.discard)
        return partial(self._given.put_nowait, preparing)

    async def _take_what_is_given(self) -> None:
        while True:
            preparing = await self._given.get()
            self._put_in_hand(await preparing)
            self._given.task_done()

    def _put_in_hand(self, prepared: Sequence[Prepared]) -> None:
        """Let them be sent. One that was so slow to come that it was taken a second time comes once."""
        fresh = [one for one in prepared if one.mail.delivery_id not in self._hands.mails]
        self._prepared |= {one.mail.delivery_id: one for one in fresh}
        self._hands.put(one.mail for one in fresh)

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(RENEW_EVERY)
            if self._hands.mails:
                held = await self._patiently(partial(self._run, handlers.renew, tuple(self._hands.mails.values())))
                self._hands.renewed(held.mails, held.lease_until)

    async def _carry(self) -> None:
        line = Line(self._tools.mail_hosts)
        try:
            while True:
                mail = await self._hands.next()
                with tracing.working(f"send mail {mail.kind}", mail.traceparent, SpanKind.CLIENT):
                    attempt = await self._attempt(mail, line)
                self._ended.put_nowait(attempt)
                self._hands.end(mail)
        finally:
            await line.close()

    async def _attempt(self, mail: Mail, line: Line) -> Attempt:
        prepared = self._prepared.pop(mail.delivery_id)
        if mail.expires_at <= self._unit.origin.clock():
            return Attempt(mail, Overdue())
        if self._tools.mail_hosts.working is None or not self._is_ours(mail):
            return Attempt(mail, HandedBack())
        prepared = await self._preparation.still(prepared)
        if isinstance(prepared, Attempt):
            return prepared
        return Attempt(mail, await self._hand_over(mail, prepared.message, line), prepared.digests[0])

    async def _hand_over(self, mail: Mail, message: Message, line: Line) -> Outcome:
        now = self._unit.origin.clock()
        name = message.recipient.rpartition("@")[2]
        if (until := self._tools.throttle.enter(name, mail.priority, now)) is not None:
            metrics.DOMAIN_WAITS.inc()
            return HandedBack(until)
        seconds = (mail.expires_at - now).total_seconds()
        try:
            refusal = await line.send(message, seconds, lambda: self._is_ours(mail))
        except HostUnavailable:
            return HandedBack()
        finally:
            self._tools.throttle.leave(name)
        return Sent(self._unit.origin.clock()) if refusal is None else refusal

    def _is_ours(self, mail: Mail) -> bool:
        """Whether nobody else may take it yet, whichever clock is ahead."""
        return self._unit.origin.clock() + SKEW <= self._hands.lease_until(mail)

    async def _record(self) -> None:
        while True:
            attempts = [await self._ended.get()]
            await asyncio.sleep(GATHER)
            while not self._ended.empty():
                attempts.append(self._ended.get_nowait())
            standings = await self._patiently(partial(self._run, handlers.conclude, tuple(attempts)))
            room = self._hands.room()
            self._hands.release(attempt.mail for attempt in attempts)
            if self._hands.room().keys() > room.keys():
                self._tools.mails.ring()
            for attempt in attempts:
                if (standing := standings.get(attempt.mail.delivery_id)) is None:
                    metrics.FORGOTTEN.inc()
                else:
                    _count(attempt, standing.name)

    async def _run(self, handler: Handler[Tools, C, R], command: C) -> R:
        return (await self._unit.run(handler, command, self._unit.origin.itself)).outcome

    async def _patiently(self, use_case: Callable[[], Awaitable[R]]) -> R:
        """Try a use case, for however long the database takes to come back.

        None of ours does harm when it runs a second time after a commit that may have succeeded: what was leased
        then waits for its lease to end, what was recorded is found recorded.
        """
        pause, longest = DATABASE_BACK_OFF
        while True:
            try:
                outcome = await use_case()
            except Exception as error:
                if not neighbour_failed(error):
                    raise
                self._tools.grace.lost()
                log.warning("sender waits for the database", error=type(error).__name__, seconds=pause)
                await asyncio.sleep(pause)
                pause = min(pause * 2, longest)
            else:
                return outcome


def _count(attempt: Attempt, ended_as: str) -> None:
    mail = attempt.mail
    priority = PRIORITY_NAMES[mail.priority]
    match attempt.outcome:
        case Sent(at):
            asked_at = drawn_at(mail.delivery_id)  # its id is drawn in the transaction that asks for it
            metrics.DELIVERY.labels(mail.kind, priority).observe(max(0.0, (at - asked_at).total_seconds()))
            outcome = "sent"
        case HandedBack():
            outcome = "handed_back"
        case TryLater() | Refused() | Suppressed() | Overdue():
            outcome = ended_as
        case _:
            assert_never(attempt.outcome)
    metrics.OUTCOMES.labels(mail.kind, priority, outcome).inc()
