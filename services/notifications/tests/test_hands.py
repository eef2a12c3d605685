"""Urgent before normal before bulk, at every point."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from aiosmtpd.smtp import Envelope
from uuid_utils.compat import uuid7

from services.notifications.mails.domain import Mail
from services.notifications.sending.hands import IN_HAND_PER_CONNECTION, IN_HAND_WHEN_QUICK, QUICK, RANKS, Hands
from services.notifications.sending.preparing import PORTION, in_portions
from services.notifications.tests.host import Fault
from services.notifications.tests.rig import Rig, code_mail

NOW = datetime(2026, 11, 22, 19, 30, tzinfo=UTC)
URGENT, NORMAL, BULK = RANKS
SAMPLE = Mail(UUID(int=0), "verification_code", "fr", {}, "", URGENT, NOW, "<1@x>", NOW, NOW, 1, 1, None)


def mails(rank: int, count: int) -> list[Mail]:
    return [
        replace(SAMPLE, delivery_id=uuid7(), priority=rank, due_at=NOW + timedelta(seconds=number))
        for number in range(count)
    ]


async def begun(hands: Hands, count: int) -> list[int]:
    """The priorities of what so many free hands begin."""
    turns = [asyncio.create_task(hands.next()) for _ in range(count)]
    await asyncio.sleep(0)
    started = [turn.result().priority for turn in turns if turn.done()]
    for turn in turns:
        turn.cancel()
    return started


@pytest.mark.parametrize(("count", "bulk", "normal"), [(2, 1, 0), (4, 2, 1), (16, 12, 2), (64, 48, 8)])
async def test_however_much_waits_hands_are_free_for_what_is_more_urgent(count: int, bulk: int, normal: int) -> None:
    hands = Hands(count)
    hands.put(mails(BULK, count * 2))
    assert await begun(hands, count) == [BULK] * bulk
    hands.put(mails(NORMAL, count * 2))
    assert await begun(hands, count - bulk) == [NORMAL] * normal
    hands.put(mails(URGENT, count))
    assert await begun(hands, count - bulk - normal) == [URGENT] * (count - bulk - normal)


async def test_the_most_urgent_goes_first_and_among_equals_the_one_due_longest() -> None:
    hands = Hands(4)
    bulk, normal, urgent = mails(BULK, 2), mails(NORMAL, 2), mails(URGENT, 2)
    hands.put([*bulk, *reversed(normal), *reversed(urgent)])
    assert [await hands.next() for _ in range(3)] == [*urgent, normal[0]]


async def test_a_hand_that_is_freed_takes_what_waits() -> None:
    hands = Hands(2)
    first, second = mails(BULK, 2)
    hands.put([first, second])
    assert await hands.next() == first
    turn = asyncio.create_task(hands.next())
    await asyncio.sleep(0)
    assert not turn.done()
    hands.end(first)
    assert await turn == second


async def test_each_priority_has_room_of_its_own() -> None:
    hands = Hands(4)
    room = hands.room()
    hands.put(mails(BULK, room[BULK]))
    assert hands.room() == {URGENT: room[URGENT], NORMAL: room[NORMAL]}


async def test_while_mails_end_quickly_more_are_taken_in_hand_and_few_again_once_one_was_slow() -> None:
    seconds = [0.0]
    hands = Hands(4, lambda: seconds[0])
    places = hands.room()
    quick, slow = mails(URGENT, 2)
    hands.put([quick])
    hands.end(await hands.next())
    hands.release([quick])
    assert hands.room() == {rank: IN_HAND_WHEN_QUICK // IN_HAND_PER_CONNECTION * each for rank, each in places.items()}

    hands.put([slow])
    seconds[0] += QUICK
    hands.end(await hands.next())
    hands.release([slow])
    assert hands.room() == places


async def test_a_hand_that_has_gone_away_loses_no_mail() -> None:
    hands = Hands(2)
    gone = asyncio.create_task(hands.next())
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.sleep(0)
    [mail] = mails(URGENT, 1)
    hands.put([mail])
    assert await hands.next() == mail


async def test_while_bulk_mails_are_on_slow_connections_a_code_is_sent_at_once(rig: Rig) -> None:
    rig.host.acts = {"message": Fault.SILENCE}
    rig.send()
    bulk = [await rig.request(code_mail().model_copy(update={"priority": "bulk"})) for _ in range(200)]
    await rig.host.reached("message", 2)
    assert rig.host.steps.count("message") == 2  # of four connections

    rig.host.acts = {}
    code = await rig.request(code_mail("999999"))
    await rig.reaches(code, "sent")
    assert len(rig.host.taken) == 1
    rig.host.speak()
    await rig.reaches(bulk[-1], "sent")


def test_of_many_mails_the_most_urgent_are_made_ready_first_and_none_waits_for_all() -> None:
    normal, urgent = mails(NORMAL, PORTION), mails(URGENT, 2)
    first, second = in_portions([*reversed(normal), *reversed(urgent)])
    assert list(first) == [*urgent, *normal[:-2]]
    assert list(second) == normal[-2:]


async def test_what_is_urgent_is_taken_in_hand_before_what_came_earlier(rig: Rig) -> None:
    order: list[str] = []

    def takes(envelope: Envelope) -> str:
        order.append(envelope.rcpt_tos[0].partition("@")[0])
        return "250 OK"

    rig.host.answers = takes
    for priority in ("bulk", "normal", "urgent"):
        for number in range(30):
            request = code_mail(address=f"{priority}@firme{number}.example")
            last = await rig.request(request.model_copy(update={"priority": priority}))
        rig.clock.advance(seconds=1)
    rig.send()
    await rig.reaches(last, "sent")
    await rig.host.took(90)
    assert order[:12] == ["urgent"] * 12
    last_of = {priority: len(order) - order[::-1].index(priority) for priority in ("urgent", "normal", "bulk")}
    assert last_of["urgent"] < last_of["normal"] < last_of["bulk"]
