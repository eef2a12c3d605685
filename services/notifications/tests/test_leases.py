"""Who has a mail in hand, until when, and what the reports of those who no longer have it are worth."""

import asyncio
import contextlib
from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import REGISTRY

from services.notifications.mails import handlers
from services.notifications.mails.domain import Attempt, HandedBack, Mail
from services.notifications.mails.leases import LEASE, SKEW
from services.notifications.sending import sender
from services.notifications.tests.host import Fault
from services.notifications.tests.rig import SOMEBODY, Rig, code_mail

ANY = {0: 10, 1: 10, 2: 10}


@pytest.fixture(autouse=True)
def long_after_the_database_started(rig: Rig) -> None:
    rig.clock.now = datetime.now(UTC) + timedelta(days=1)


@pytest.fixture
def renewals_by_the_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sender, "RENEW_EVERY", 0.02)


@pytest.fixture
def no_renewals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sender, "RENEW_EVERY", 3600)


async def take(rig: Rig) -> list[Mail]:
    return await handlers.take(rig.unit, handlers.Take(ANY, frozenset()))


async def lease(rig: Rig) -> datetime | None:
    until: datetime | None = await rig.unit.pool.fetchval("select lease_until from mails")
    return until


async def kill(task: "asyncio.Task[None]") -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def test_the_mail_of_a_sender_that_was_killed_goes_to_the_next_when_its_lease_ends(rig: Rig) -> None:
    rig.host.acts = {"rcpt": Fault.SILENCE}
    killed = rig.send_to_be_killed()
    request = await rig.request(code_mail(issued_at=rig.clock.now))
    await rig.host.reached("rcpt")
    await kill(killed)
    rig.host.speak()

    rig.clock.now += LEASE - timedelta(seconds=1)
    rig.send()
    other = await rig.request(code_mail(issued_at=rig.clock.now))
    await rig.reaches(other, "sent")
    assert (await rig.delivery(request)).status == "accepted"
    rig.later(seconds=1)
    await rig.reaches(request, "sent")
    assert len(rig.host.taken) == 2


@pytest.mark.usefixtures("renewals_by_the_moment")
async def test_a_mail_that_is_slow_to_be_taken_stays_its_senders(rig: Rig) -> None:
    rig.host.acts = {"message": Fault.SILENCE}
    rig.send()
    request = await rig.request(code_mail(issued_at=rig.clock.now))
    await rig.host.reached("message")
    for _ in range(4):
        rig.clock.advance(seconds=7)

        async def renewed() -> bool:
            return await lease(rig) == rig.clock.now + LEASE

        await rig.until(renewed)
        assert await take(rig) == []
    rig.host.speak()
    await rig.reaches(request, "sent")
    assert len(rig.host.taken) == rig.host.steps.count("rcpt") == 1


@pytest.mark.usefixtures("no_renewals")
async def test_what_a_sender_reports_after_its_lease_went_to_another_does_not_count(rig: Rig) -> None:
    forgotten = REGISTRY.get_sample_value("mandat_mails_attempts_forgotten_total") or 0
    rig.host.acts = {"message": Fault.SILENCE}
    rig.send()
    request = await rig.request(code_mail(issued_at=rig.clock.now))
    await rig.host.reached("message")
    rig.clock.now += LEASE
    [taken_over] = await take(rig)
    assert taken_over.delivery_id == request.delivery_id
    rig.host.speak()
    await rig.host.took(1)

    async def was_forgotten() -> bool:
        return REGISTRY.get_sample_value("mandat_mails_attempts_forgotten_total") == forgotten + 1

    await rig.until(was_forgotten)
    assert (await rig.delivery(request)).status == "accepted"
    assert await lease(rig) == taken_over.lease_until


@pytest.mark.usefixtures("no_renewals")
async def test_a_message_is_not_handed_over_once_the_lease_may_be_anothers(rig: Rig) -> None:
    rig.host.acts = {"data": Fault.SILENCE}
    rig.send()
    request = await rig.request(code_mail(issued_at=rig.clock.now))
    await rig.host.reached("data")
    rig.clock.now += LEASE - SKEW + timedelta(milliseconds=1)
    rig.host.speak()
    await rig.reaches(request, "sent")
    assert rig.host.steps == ["mail", "rcpt", "data", "mail", "rcpt", "data", "message"]
    assert await rig.unit.pool.fetchval("select attempts from mails") == 1


async def test_after_a_start_of_the_database_everybody_has_a_leases_time_to_come_back(rig: Rig) -> None:
    started: datetime = await rig.unit.pool.fetchval("select pg_postmaster_start_time()")
    rig.clock.now = started
    await rig.request(code_mail(issued_at=rig.clock.now))
    await rig.unit.pool.execute("update mails set lease_until = $1", started - timedelta(minutes=1))
    rig.clock.now = started + LEASE + SKEW - timedelta(milliseconds=1)
    assert await take(rig) == []
    rig.clock.advance(milliseconds=1)
    assert len(await take(rig)) == 1


async def test_after_an_absence_of_the_database_nobody_takes_anothers_mail_for_a_leases_time(rig: Rig) -> None:
    request = await rig.request(code_mail(issued_at=rig.clock.now))
    await rig.unit.pool.execute("update mails set lease_until = $1", rig.clock.now - timedelta(minutes=1))
    rig.unit.tools.grace.lost()
    assert await take(rig) == []
    rig.clock.now += LEASE
    assert await take(rig) == []
    rig.clock.now += SKEW
    assert [mail.delivery_id for mail in await take(rig)] == [request.delivery_id]


async def test_a_mail_whose_owner_may_yet_report_is_not_ended_as_expired(rig: Rig) -> None:
    request = await rig.request(code_mail(issued_at=rig.clock.now))
    await take(rig)
    rig.clock.advance(minutes=11)
    rig.unit.tools.grace.lost()
    await rig.upkeep()
    assert (await rig.delivery(request)).status == "accepted"
    rig.clock.now += LEASE + SKEW
    await rig.upkeep()
    assert (await rig.delivery(request)).status == "expired"


async def test_a_report_that_is_repeated_does_not_end_a_later_lease(rig: Rig) -> None:
    await rig.request(code_mail(issued_at=rig.clock.now))
    [first] = await take(rig)
    report = (Attempt(first, HandedBack()),)
    await rig.unit.run(handlers.conclude, report, SOMEBODY)
    [second] = await take(rig)
    assert (second.attempts, second.fence) == (1, 2)
    assert (await rig.unit.run(handlers.conclude, report, SOMEBODY)).outcome == {}
    assert await lease(rig) == second.lease_until


async def test_a_renewal_keeps_only_what_nobody_else_has_taken(rig: Rig) -> None:
    await rig.request(code_mail(issued_at=rig.clock.now))
    [first] = await take(rig)
    rig.clock.now += LEASE
    [second] = await take(rig)
    assert (await rig.unit.run(handlers.renew, (first,), SOMEBODY)).outcome.mails == frozenset()
    rig.clock.advance(seconds=1)
    assert (await rig.unit.run(handlers.renew, (second,), SOMEBODY)).outcome.mails == {second.delivery_id}
    assert await lease(rig) == rig.clock.now + LEASE
