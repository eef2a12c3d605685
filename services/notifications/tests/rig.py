"""A notifications service in the test's process, a clock that the test turns, and requests for mails."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from joserfc.jwk import KeySet
from uuid_utils.compat import uuid7

from chassis import keys
from chassis.sealing import Sealer
from chassis.work import Actor, Unit
from contracts.events import Language
from contracts.notifications import (
    Contents,
    LinkingCoordinatesContents,
    LinkingCoordinatesMail,
    MailRequest,
    VerificationCodeContents,
    VerificationCodeMail,
)
from services.notifications.bounces.return_path import ReturnPath
from services.notifications.mails import chores, domain, handlers, storage
from services.notifications.mails.domain import Delivery
from services.notifications.sending.sender import Sender
from services.notifications.tests.host import Host
from services.notifications.tools import Tools
from tests.fixtures.patience import PATIENCE

START = datetime.now(UTC).replace(second=0, microsecond=0) + timedelta(days=1)
"""A whole minute, as people are shown, and long after any start of PostgreSQL, which counts in who may take a mail."""
KEYRING = keys.generate("notifications")
RETURN_PATH = ReturnPath("bounces@notifications.example", KEYRING)
SEALER = Sealer(KEYRING, KeySet(list(KEYRING.sealing)))
SOMEBODY = Actor("service", "test")


@dataclass
class Clock:
    """Time stands still until the test moves it."""

    now: datetime = START

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **span: float) -> None:
        """Let time pass."""
        self.now += timedelta(**span)


class _Killed(Sender):
    async def _finish(self, taking: "asyncio.Task[None]") -> None:
        pass


@dataclass
class Rig:
    """The service under test and what surrounds it."""

    unit: Unit[Tools]
    clock: Clock
    host: Host
    _senders: list["asyncio.Task[None]"] = field(default_factory=list)

    async def request(self, request: MailRequest) -> MailRequest:
        """Take a request in, as its door would."""
        await self.unit.run(handlers.accept, (request,), SOMEBODY)
        return request

    def use(self, **tools: Any) -> None:
        """Replace some of the tools, for senders started from now on."""
        self.unit = replace(self.unit, tools=replace(self.unit.tools, **tools))

    def send(self) -> None:
        """Start a sender; several may run."""
        self._senders.append(asyncio.create_task(Sender(self.unit).run()))

    def send_to_be_killed(self) -> "asyncio.Task[None]":
        """Start a sender that does nothing more once it is cancelled, like a process that was killed."""
        killed = asyncio.create_task(_Killed(self.unit).run())
        self._senders.append(killed)
        return killed

    async def stop_sending(self) -> None:
        """Stop every sender, as a worker does."""
        for sender in self._senders:
            sender.cancel()
        for sender in self._senders:
            with contextlib.suppress(asyncio.CancelledError):
                await sender
        self._senders.clear()

    async def upkeep(self) -> None:
        """One round of upkeep."""
        await chores.once(self.unit)

    async def delivery(self, request: MailRequest) -> Delivery:
        """Where the mail truly stands, in the words that people read."""
        async with self.unit.pool.acquire() as connection:
            found = await storage.find(connection, handlers.handle_digest(request.handle))
        return domain.delivery(None if found is None else found.standing)

    async def reaches(self, request: MailRequest, status: str) -> Delivery:
        """Wait until the mail stands there."""

        async def is_there() -> bool:
            return (await self.delivery(request)).status == status

        await self.until(is_there)
        return await self.delivery(request)

    async def until(self, holds: Callable[[], Awaitable[object]]) -> None:
        """Wait until something holds in the database."""
        async with asyncio.timeout(PATIENCE):
            while not await holds():
                await asyncio.sleep(0.01)

    async def told(self, request: MailRequest) -> list[str]:
        """The events about one mail so far, by name."""
        rows = await self.unit.pool.fetch(
            "select headers->>'ce_type' as type from outbox where key = $1 order by id", str(request.delivery_id)
        )
        return [row["type"].split(".")[2] for row in rows]

    def later(self, **span: float) -> None:
        """Let time pass and the sender look."""
        self.clock.advance(**span)
        self.unit.tools.mails.ring()


def code_mail(
    code: str = "471592",
    *,
    address: str = "nathalie.roy@firme.example",
    language: Language = "fr",
    minutes: int = 10,
    recipient_id: UUID | None = None,
    replaces: str | None = None,
    issued_at: datetime = START,
    deduplication_id: str | None = None,
) -> VerificationCodeMail:
    """A request for a one-time code's mail."""
    delivery_id = uuid7()
    return VerificationCodeMail(
        recipient_id=recipient_id or uuid7(),
        delivery_id=delivery_id,
        handle=f"handle-of-{delivery_id}",
        language=language,
        priority="urgent",
        expires_at=issued_at + timedelta(minutes=minutes),
        deduplication_id=deduplication_id or str(delivery_id),
        replaces=replaces,
        sealed=seal(VerificationCodeContents(address=address, given_name="Nathalie", code=code)),
        minutes=minutes,
    )


def coordinates_mail(
    *,
    organization_name: str = "Comptables Roy inc.",
    responsible: tuple[str, ...] = ("Nathalie Roy", "Luc Côté", "Ève Hébert"),
    language: Language = "fr",
    address: str = "luc.cote@firme.example",
) -> LinkingCoordinatesMail:
    """A request for the mail of linking coordinates."""
    delivery_id = uuid7()
    return LinkingCoordinatesMail(
        recipient_id=uuid7(),
        delivery_id=delivery_id,
        handle=f"handle-of-{delivery_id}",
        language=language,
        priority="normal",
        expires_at=START + timedelta(days=30),
        deduplication_id=str(delivery_id),
        sealed=seal(
            LinkingCoordinatesContents(
                address=address,
                given_name="Luc",
                client_number="7000123",
                code="7H2KQ9XWB4RTZ",
                responsible=responsible,
            )
        ),
        organization_name=organization_name,
        organization_number="0001234",
        expires_on=(START + timedelta(days=30)).date(),
    )


def seal(contents: Contents) -> str:
    """Sealed to this service, as its writer does."""
    return SEALER.seal("notifications", contents)


async def all_of(*coroutines: Awaitable[object]) -> None:
    """Run them at once."""
    await asyncio.gather(*coroutines)
