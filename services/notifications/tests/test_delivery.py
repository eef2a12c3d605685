"""What happens to a mail between its request and its end, with a real mail host and a real database."""

import re
from datetime import UTC, datetime, timedelta
from itertools import count
from uuid import UUID

import pytest
from aiosmtpd.smtp import Envelope
from prometheus_client import REGISTRY
from uuid_utils.compat import uuid7

from services.notifications.mails import handlers
from services.notifications.tests.host import part
from services.notifications.tests.rig import SOMEBODY, START, Rig, all_of, code_mail, coordinates_mail

SAID = re.compile(r"(?<![0-9a-f])471.?592(?![0-9a-f])|nathalie|handle-of", re.IGNORECASE)
"""What a mail said or was asked by; digits within an id or a digest are nobody's code."""


async def test_a_code_arrives_in_text_and_in_html(rig: Rig) -> None:
    rig.send()
    request = await rig.request(code_mail("471592"))
    [mail] = await rig.host.took(1)
    assert "471 592" in part(mail, "plain")
    assert "471 592" in part(mail, "html")
    assert rig.host.recipients == [["nathalie.roy@firme.example"]]
    assert (await rig.reaches(request, "sent")).since == rig.clock.now
    assert await rig.told(request) == ["MailAccepted", "MailSent"]


async def test_a_mail_is_timed_from_when_it_was_asked_for(rig: Rig) -> None:
    labels = {"kind": "verification_code", "priority": "urgent"}

    def timed() -> list[float]:
        buckets = [labels | {"le": bound} for bound in ("5.0", "10.0")]
        name = "mandat_mail_delivery_seconds"
        return [
            REGISTRY.get_sample_value(f"{name}_sum", labels) or 0.0,
            *(REGISTRY.get_sample_value(f"{name}_bucket", bucket) or 0.0 for bucket in buckets),
        ]

    before = timed()
    rig.send()
    milliseconds = round((rig.clock.now - timedelta(seconds=8)).timestamp() * 1000)
    asked = UUID(int=milliseconds << 80 | uuid7().int % 2**80)
    await rig.reaches(await rig.request(code_mail().model_copy(update={"delivery_id": asked})), "sent")

    async def is_timed() -> bool:  # once it has been recorded
        return timed() != before

    await rig.until(is_timed)
    rose = [now - number for now, number in zip(timed(), before, strict=True)]
    assert rose == pytest.approx([8.0, 0, 1])


async def test_a_request_that_comes_twice_is_one_mail(rig: Rig) -> None:
    request = await rig.request(code_mail(deduplication_id="registration 7, code 1"))
    await rig.request(request)
    await rig.request(code_mail(deduplication_id="registration 7, code 1"))
    rig.send()
    await rig.reaches(request, "sent")
    assert len(rig.host.taken) == 1
    assert await rig.told(request) == ["MailAccepted", "MailSent"]


async def test_what_was_too_late_when_it_came_is_never_sent(rig: Rig) -> None:
    request = await rig.request(code_mail(issued_at=rig.clock.now - timedelta(minutes=10)))
    in_time = await rig.request(code_mail())
    rig.send()
    await rig.reaches(in_time, "sent")
    await rig.upkeep()
    assert (await rig.delivery(request)).hint == "delivery_expired"
    assert await rig.told(request) == ["MailAccepted", "MailExpired"]
    assert len(rig.host.taken) == 1


async def test_what_becomes_too_late_while_it_waits_is_never_sent(rig: Rig) -> None:
    request = await rig.request(code_mail())
    rig.later(minutes=10)
    rig.send()
    in_time = await rig.request(code_mail(issued_at=rig.clock.now))
    await rig.reaches(in_time, "sent")
    await rig.upkeep()
    assert (await rig.delivery(request)).status == "expired"
    assert len(rig.host.taken) == 1


async def test_a_mail_whose_time_runs_out_in_the_senders_hand_is_not_begun(rig: Rig) -> None:
    def time_passes(_: Envelope) -> str:
        rig.clock.advance(minutes=11)
        return "250 OK"

    rig.host.answers = time_passes
    requests = [await rig.request(code_mail()) for _ in range(16)]
    rig.send()
    nobody_waits = "select count(*) = 0 from mails where due_at is not null"
    await rig.until(lambda: rig.unit.pool.fetchval(nobody_waits))
    ends = [(await rig.delivery(mail)).status for mail in requests]
    assert ends.count("sent") == len(rig.host.taken) <= 4
    assert ends.count("expired") == 16 - len(rig.host.taken)


@pytest.mark.parametrize("arrival", [("older", "newer"), ("newer", "older")])
async def test_only_the_newest_code_is_sent_whichever_request_came_first(rig: Rig, arrival: tuple[str, str]) -> None:
    recipient = uuid7()
    older = code_mail("111111", recipient_id=recipient, replaces="verification")
    newer = code_mail("222222", recipient_id=recipient, replaces="verification")
    for name in arrival:
        await rig.request(older if name == "older" else newer)
    rig.send()
    await rig.reaches(newer, "sent")
    await rig.upkeep()
    assert (await rig.delivery(older)).hint == "delivery_replaced"
    assert await rig.told(older) == ["MailAccepted", "MailExpired"]
    [mail] = rig.host.taken
    assert "222 222" in part(mail, "plain")


async def test_an_old_code_that_comes_after_the_new_one_was_sent_stays_unsent(rig: Rig) -> None:
    recipient = uuid7()
    older = code_mail(recipient_id=recipient, replaces="verification")
    newer = code_mail(recipient_id=recipient, replaces="verification")
    rig.send()
    await rig.request(newer)
    await rig.reaches(newer, "sent")
    await rig.request(older)
    await rig.upkeep()
    assert (await rig.delivery(older)).status == "expired"
    assert len(rig.host.taken) == 1


async def test_a_purpose_of_one_person_replaces_nothing_of_another(rig: Rig) -> None:
    one = await rig.request(code_mail(replaces="verification"))
    other = await rig.request(code_mail(replaces="verification"))
    rig.send()
    await all_of(rig.reaches(one, "sent"), rig.reaches(other, "sent"))


async def test_a_new_code_waits_while_the_old_one_is_on_its_way(rig: Rig) -> None:
    rig.clock.now = now = datetime.now(UTC) + timedelta(days=1)  # long after the database started
    recipient = uuid7()
    older = code_mail("111111", recipient_id=recipient, replaces="verification", issued_at=now)
    newer = code_mail("222222", recipient_id=recipient, replaces="verification", issued_at=now)
    await rig.request(older)
    await rig.unit.pool.execute("update mails set lease_until = $1", rig.clock.now + timedelta(seconds=90))
    await rig.request(newer)
    rig.send()
    bystander = await rig.request(code_mail("333333", issued_at=now))
    await rig.reaches(bystander, "sent")
    assert (await rig.delivery(newer)).status == "accepted"
    rig.later(seconds=91)
    await rig.reaches(newer, "sent")
    assert "222 222" in part(rig.host.taken[-1], "plain")
    assert len(rig.host.taken) == 2


async def test_a_mail_put_off_by_the_host_is_tried_again_and_arrives(rig: Rig) -> None:
    tries = count(1)
    rig.host.answers = lambda _: "250 OK" if next(tries) > 2 else "451 4.7.1 greylisted, come back"
    rig.send()
    request = await rig.request(code_mail())
    deferred = await rig.reaches(request, "deferred")
    assert deferred.next_attempt_at == rig.clock.now + timedelta(seconds=5)
    rig.later(seconds=5)

    async def deferred_again() -> bool:
        return (await rig.delivery(request)).next_attempt_at == rig.clock.now + timedelta(seconds=10)

    await rig.until(deferred_again)
    rig.later(seconds=10)
    await rig.reaches(request, "sent")
    assert await rig.told(request) == ["MailAccepted", "MailDeferred", "MailDeferred", "MailSent"]
    assert len(rig.host.taken) == 1


async def test_a_mail_that_could_only_be_tried_again_too_late_ends_at_once(rig: Rig) -> None:
    rig.host.answers = lambda _: "451 4.7.1 later"
    rig.clock.advance(minutes=9, seconds=58)
    rig.send()
    request = await rig.request(code_mail())
    await rig.reaches(request, "expired")
    assert await rig.told(request) == ["MailAccepted", "MailExpired"]


async def test_a_mail_refused_for_good_bounces_with_its_status(rig: Rig) -> None:
    rig.host.answers = lambda _: "550 5.1.1 nathalie.roy@firme.example is unknown"
    rig.send()
    request = await rig.request(code_mail())
    assert (await rig.reaches(request, "undelivered")).hint == "delivery_undelivered"
    event = await rig.unit.pool.fetchval("select convert_from(payload, 'utf8')::jsonb from outbox order by id desc")
    assert event == {"delivery_id": str(request.delivery_id), "status": "5.1.1"}


async def test_one_refused_mail_does_not_harm_the_next_on_the_same_connection(rig: Rig) -> None:
    def refuse_content(envelope: Envelope) -> str:
        return "554 5.7.1 no" if envelope.rcpt_tos == ["disliked@firme.example"] else "250 OK"

    rig.host.answers = refuse_content
    rig.host.unwelcome = {"unwelcome@firme.example"}
    rig.send()
    refused = [await rig.request(code_mail(address=f"{name}@firme.example")) for name in ("unwelcome", "disliked") * 4]
    welcome = [await rig.request(code_mail()) for _ in range(8)]
    await all_of(*(rig.reaches(mail, "sent") for mail in welcome))
    await all_of(*(rig.reaches(mail, "undelivered") for mail in refused))
    assert rig.host.connections <= 4


async def test_while_the_host_is_down_nothing_is_lost_and_no_mail_pays_for_it(rig: Rig) -> None:
    await rig.host.stop()
    rig.send()
    requests = [await rig.request(code_mail()) for _ in range(40)]
    nobody_has_any = "select count(*) = 0 from mails where lease_until is not null or attempts > 0"
    await rig.until(lambda: rig.unit.pool.fetchval(nobody_has_any))
    rig.later(minutes=2)
    await rig.host.start()
    await rig.host.took(40)
    await all_of(*(rig.reaches(mail, "sent") for mail in requests))
    assert len(rig.host.taken) == 40
    assert await rig.unit.pool.fetchval("select max(attempts) from mails") == 1
    assert await rig.told(requests[0]) == ["MailAccepted", "MailSent"]


async def test_two_senders_send_each_mail_once(rig: Rig) -> None:
    requests = [await rig.request(code_mail()) for _ in range(120)]
    rig.send()
    rig.send()
    await all_of(*(rig.reaches(mail, "sent") for mail in requests))
    assert len(rig.host.taken) == 120
    assert len({mail["Message-ID"] for mail in rig.host.taken}) == 120


async def test_an_urgent_mail_goes_before_those_that_came_earlier(rig: Rig) -> None:
    bulk = [code_mail().model_copy(update={"priority": "bulk"}) for _ in range(60)]
    for mail in bulk:
        await rig.request(mail)
    rig.clock.advance(seconds=1)
    urgent = await rig.request(code_mail("999999"))
    rig.send()
    await rig.reaches(urgent, "sent")
    await rig.host.took(61)
    position = next(i for i, mail in enumerate(rig.host.taken) if "999 999" in part(mail, "plain"))
    assert position < 4


async def test_a_sender_that_stops_finishes_what_is_on_its_way_and_gives_back_the_rest(rig: Rig) -> None:
    requests = [await rig.request(code_mail()) for _ in range(30)]
    rig.send()
    await rig.host.took(1)
    await rig.stop_sending()
    sent = [mail for mail in requests if (await rig.delivery(mail)).status == "sent"]
    assert len(sent) == len(rig.host.taken)
    assert await rig.unit.pool.fetchval("select count(*) from mails where lease_until is not null") == 0


async def test_a_seal_that_cannot_be_opened_ends_as_undelivered_and_stops_nobody(rig: Rig) -> None:
    good = code_mail()
    damaged = code_mail().model_copy(update={"sealed": good.sealed[:-9]})
    rig.send()
    await rig.request(damaged)
    await rig.request(good)
    await rig.reaches(good, "sent")
    assert (await rig.reaches(damaged, "undelivered")).status == "undelivered"
    assert await rig.unit.pool.fetchval("select reason from mails where state = 'bounced'") == "5.7.5"


async def test_once_a_mail_has_ended_no_secret_is_left(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    rig.send()
    request = await rig.request(code_mail("471592"))
    await rig.reaches(request, "sent")
    assert await rig.unit.pool.fetchval("select sealed from mails") is None
    tables = ["mails", "outbox", "audit", "inbox", "dead_letters"]
    rows = [str(dict(row)) for table in tables for row in await rig.unit.pool.fetch(f"select * from {table}")]
    for kept in (*rows, caplog.text):
        assert not SAID.search(kept)


async def test_while_a_mail_waits_its_secret_is_sealed(rig: Rig) -> None:
    await rig.request(code_mail("471592"))
    [row] = await rig.unit.pool.fetch("select * from mails")
    assert row["sealed"].count(".") == 4
    assert not SAID.search(str(dict(row)))


async def test_requests_that_come_in_one_batch_are_each_kept_once_and_the_newest_of_a_purpose_sent(rig: Rig) -> None:
    recipient = uuid7()
    older = code_mail("111111", recipient_id=recipient, replaces="verification")
    newer = code_mail("222222", recipient_id=recipient, replaces="verification")
    other, again = code_mail("333333", deduplication_id="one"), code_mail("444444", deduplication_id="one")
    await rig.unit.run(handlers.accept, (newer, other, older, again, other), SOMEBODY)
    await rig.unit.run(handlers.accept, (again, newer), SOMEBODY)
    assert [await rig.told(mail) for mail in (newer, other, older, again)] == [["MailAccepted"]] * 3 + [[]]
    rig.send()
    await all_of(rig.reaches(newer, "sent"), rig.reaches(other, "sent"))
    await rig.upkeep()
    assert (await rig.delivery(older)).hint == "delivery_replaced"
    assert len(rig.host.taken) == 2


async def test_a_mail_that_ended_is_forgotten_after_ninety_days_and_one_that_may_yet_come_is_not(rig: Rig) -> None:
    rig.send()
    request = await rig.request(code_mail())
    await rig.reaches(request, "sent")
    waiting = await rig.request(coordinates_mail().model_copy(update={"expires_at": START + timedelta(days=365)}))
    await rig.reaches(waiting, "sent")
    rig.clock.advance(days=90)
    await rig.upkeep()
    assert (await rig.delivery(request)).status == "sent"
    rig.clock.advance(minutes=10, seconds=1)
    await rig.upkeep()
    kept = await rig.unit.pool.fetch("select delivery_id from mails")
    assert [row["delivery_id"] for row in kept] == [waiting.delivery_id]
    assert (await rig.delivery(request)).status == "accepted"
