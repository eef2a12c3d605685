"""Urgent mails go straight from the intake to the sender beside it, in one commit."""

import asyncio
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from uuid_utils.compat import uuid7

from chassis.work import Work
from contracts.notifications import MailRequest
from services.notifications.mails import handlers
from services.notifications.mails.domain import Mail
from services.notifications.mails.handlers import Take
from services.notifications.mails.leases import LEASE
from services.notifications.sending import hands
from services.notifications.sending.preparing import PORTION
from services.notifications.tests.rig import SOMEBODY, Rig, code_mail, coordinates_mail
from services.notifications.tools import Tools

EACH = {0: 100, 1: 100, 2: 100}


@dataclass
class Taker:
    """Stands where a sender stands; it has so many places."""

    free: int = 10
    taken: list[Mail] = field(default_factory=list)

    def places(self, wanted: int) -> int:
        """As many as are free."""
        return min(wanted, self.free)

    def take_over(self, mails: Sequence[Mail]) -> Callable[[], None]:
        """Keep them for the test to look at."""
        return partial(self.taken.extend, mails)


@pytest.fixture(autouse=True)
def long_after_the_database_started(rig: Rig) -> None:
    rig.clock.now = datetime.now(UTC) + timedelta(days=1)


@pytest.fixture
def taker(rig: Rig) -> Taker:
    found = Taker()
    rig.unit.tools.handover.begin(found)
    return found


def code(rig: Rig, **fields: object) -> MailRequest:
    return code_mail(issued_at=rig.clock.now, **fields)  # type: ignore[arg-type]


async def test_an_urgent_mail_is_leased_where_it_is_kept_and_nobody_else_takes_it(rig: Rig, taker: Taker) -> None:
    request = await rig.request(code(rig))
    [mail] = taker.taken
    assert (mail.delivery_id, mail.lease_until) == (request.delivery_id, rig.clock.now + LEASE)
    assert await handlers.take(rig.unit, Take(EACH, frozenset())) == []
    rig.clock.now += LEASE
    [again] = await handlers.take(rig.unit, Take(EACH, frozenset()))
    assert again.fence == mail.fence + 1


async def test_what_is_rolled_back_is_given_to_nobody(rig: Rig, taker: Taker) -> None:
    async def fail(work: Work[Tools], requests: Sequence[MailRequest]) -> None:
        await handlers.accept(work, requests)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await rig.unit.run(fail, (code(rig),), SOMEBODY)
    assert taker.taken == []


async def test_only_the_oldest_get_the_places_there_are_and_the_rest_wait_for_whoever_comes(
    rig: Rig, taker: Taker
) -> None:
    taker.free = 2
    requests = [code(rig) for _ in range(4)]
    await rig.unit.run(handlers.accept, tuple(requests), SOMEBODY)
    assert {mail.delivery_id for mail in taker.taken} == {request.delivery_id for request in requests[:2]}
    left = await handlers.take(rig.unit, Take(EACH, frozenset()))
    assert {mail.delivery_id for mail in left} == {request.delivery_id for request in requests[2:]}


async def test_what_nobody_waits_for_is_taken_in_its_turn(rig: Rig, taker: Taker) -> None:
    await rig.request(coordinates_mail().model_copy(update={"expires_at": rig.clock.now + timedelta(days=1)}))
    assert taker.taken == []


async def test_a_newer_code_is_not_begun_while_the_older_is_in_somebodys_hand(rig: Rig, taker: Taker) -> None:
    person = uuid7()
    older = await rig.request(code(rig, recipient_id=person, replaces="verification:1"))
    await rig.request(code(rig, recipient_id=person, replaces="verification:1"))
    assert [mail.delivery_id for mail in taker.taken] == [older.delivery_id]


async def test_an_older_code_that_comes_late_is_not_begun(rig: Rig, taker: Taker) -> None:
    person = uuid7()
    older, newer = (code(rig, recipient_id=person, replaces="verification:1") for _ in range(2))
    await rig.request(newer)
    await rig.request(older)
    assert [mail.delivery_id for mail in taker.taken] == [newer.delivery_id]


async def test_a_sender_that_looks_at_the_table_no_more_still_sends_what_the_intake_gives_it(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.send()
    first = await rig.request(code(rig))
    await rig.reaches(first, "sent")

    async def nothing(*_: object) -> list[Mail]:
        return []

    monkeypatch.setattr(handlers, "take", nothing)
    await rig.reaches(await rig.request(code(rig)), "sent")


async def test_while_codes_that_found_no_place_wait_in_the_table_later_ones_wait_behind_them(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hands, "QUICK", math.inf)
    looked = asyncio.Event()
    looked.set()

    async def look(*_: object) -> list[Mail]:
        await looked.wait()
        return []

    async def takes() -> bool:
        return sender is not None and sender.places(1) == 1

    monkeypatch.setattr(handlers, "take", look)
    rig.send()
    await asyncio.sleep(0)
    sender = rig.unit.tools.handover.taker
    await rig.until(takes)
    await rig.reaches(await rig.request(code(rig)), "sent")
    looked.clear()
    requests = tuple(code(rig) for _ in range(PORTION + 1))
    await rig.unit.run(handlers.accept, requests, SOMEBODY)
    for request in requests[:PORTION]:
        await rig.reaches(request, "sent")
    assert not await takes()
    looked.set()
    await rig.until(takes)


async def test_a_sender_that_has_stopped_is_given_nothing(rig: Rig) -> None:
    rig.send()
    await rig.reaches(await rig.request(code(rig)), "sent")
    await rig.stop_sending()
    assert rig.unit.tools.handover.taker is None
    request = await rig.request(code(rig))
    [mail] = await handlers.take(rig.unit, Take(EACH, frozenset()))
    assert mail.delivery_id == request.delivery_id
