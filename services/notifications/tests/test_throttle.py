"""Limits of what goes to one domain."""

from datetime import UTC, datetime, timedelta

from services.notifications.sending.throttle import TOGETHER, Throttle
from services.notifications.tests.host import Fault
from services.notifications.tests.rig import Rig, code_mail

NOW = datetime(2026, 11, 22, 19, 30, tzinfo=UTC)
URGENT, NORMAL, BULK = 0, 1, 2


def test_without_limits_everything_goes_at_once() -> None:
    throttle = Throttle(None, None)
    assert [throttle.enter("a.example", BULK, NOW) for _ in range(100)] == [None] * 100


def test_no_more_mails_go_to_a_domain_at_once_than_it_may_have() -> None:
    throttle = Throttle(2, None)
    assert throttle.enter("a.example", NORMAL, NOW) is None
    assert throttle.enter("a.example", NORMAL, NOW) is None
    assert throttle.enter("a.example", NORMAL, NOW) == NOW + timedelta(seconds=0.5)
    assert throttle.enter("b.example", NORMAL, NOW) is None
    throttle.leave("a.example")
    assert throttle.enter("a.example", NORMAL, NOW) is None


def test_in_the_long_run_no_more_go_in_a_minute_than_may() -> None:
    throttle, now, gone, waiting = Throttle(None, 60), NOW, 0, [NOW] * 300
    while now < NOW + timedelta(minutes=2):
        later = []
        for due in waiting:
            until = throttle.enter("a.example", BULK, now) if due <= now else due
            if until is None:
                gone += 1
                throttle.leave("a.example")
            else:
                later.append(until)
        waiting, now = later, now + timedelta(seconds=1)
    assert 118 <= gone <= 120 + TOGETHER.total_seconds() + 1


def test_those_that_wait_come_again_one_after_another_and_not_all_at_once() -> None:
    throttle = Throttle(None, 60)
    while throttle.enter("a.example", BULK, NOW) is None:
        pass
    times = [throttle.enter("a.example", BULK, NOW) for _ in range(100)]
    assert len({time for time in times if time is not None}) == 100


def test_an_urgent_mail_does_not_stand_behind_those_of_a_campaign() -> None:
    throttle = Throttle(None, 60)
    for _ in range(1000):
        throttle.enter("a.example", BULK, NOW)
    until = throttle.enter("a.example", URGENT, NOW)
    assert until is not None and until <= NOW + TOGETHER + timedelta(seconds=1)


async def test_a_slow_domain_does_not_hold_every_connection_and_its_mails_lose_no_attempt(rig: Rig) -> None:
    rig.use(throttle=Throttle(1, None))
    rig.host.acts = {"message": Fault.SILENCE}
    rig.send()
    slow = [await rig.request(code_mail(address=f"{number}@slow.example", minutes=10_000)) for number in range(8)]
    await rig.host.reached("message")
    handed_back = "select count(*) = 7 from mails where lease_until is null and attempts = 0 and due_at > $1"
    await rig.until(lambda: rig.unit.pool.fetchval(handed_back, rig.clock.now))
    rig.host.acts = {}
    await rig.reaches(await rig.request(code_mail(address="someone@quick.example")), "sent")
    assert rig.host.steps.count("message") == 2
    rig.host.speak()
    for mail in slow:
        while (await rig.delivery(mail)).status != "sent":
            rig.later(seconds=1)
            await rig.until(lambda: rig.unit.pool.fetchval("select bool_and(lease_until is null) from mails"))
    assert await rig.told(slow[-1]) == ["MailAccepted", "MailSent"]
