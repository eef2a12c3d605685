"""What becomes of a mail when the host answers, falls silent or hangs up, at each step of the conversation."""

from typing import Literal

import pytest
from aiosmtpd.smtp import SMTP
from prometheus_client import REGISTRY

from services.notifications.sending.hosts import Access, MailHosts
from services.notifications.settings import HostAddress
from services.notifications.tests.host import Fault, Host, PatienceWithSilence, Step
from services.notifications.tests.rig import Rig, code_mail


def maybe_twice() -> float:
    return REGISTRY.get_sample_value("mandat_mails_maybe_twice_total") or 0.0


@pytest.fixture(autouse=True, params=[False, True], ids=["one by one", "ahead"])
def pipelining(request: pytest.FixtureRequest, host: Host) -> bool:
    """Whatever holds for a host that is asked one thing at a time holds for one that reads commands ahead."""
    host.pipelining = request.param
    return host.pipelining


@pytest.fixture
def impatient(rig: Rig) -> None:
    patience = PatienceWithSilence(host=rig.host)
    rig.use(mail_hosts=MailHosts([HostAddress("127.0.0.1", rig.host.port)], Access(), 4, patience))


@pytest.mark.parametrize("step", ["rcpt", "data", "message"])
@pytest.mark.parametrize("answer", ["450 4.2.1 later", "421 4.3.2 closing"])
async def test_a_mail_that_the_host_puts_off_is_deferred_and_arrives_later(rig: Rig, step: Step, answer: str) -> None:
    rig.host.acts = {step: answer}
    rig.send()
    request = await rig.request(code_mail())
    await rig.reaches(request, "deferred")
    rig.host.acts = {}
    rig.later(seconds=5)
    await rig.reaches(request, "sent")
    assert await rig.told(request) == ["MailAccepted", "MailDeferred", "MailSent"]
    assert len(rig.host.taken) == 1


@pytest.mark.parametrize("step", ["rcpt", "data", "message"])
async def test_a_mail_that_the_host_refuses_has_bounced_and_the_connection_carries_the_next(
    rig: Rig, step: Step
) -> None:
    rig.host.acts = {step: "554 5.7.1 no"}
    rig.send()
    request = await rig.request(code_mail())
    await rig.reaches(request, "undelivered")
    rig.host.acts = {}
    await rig.reaches(await rig.request(code_mail(address="luc@autre.example")), "sent")
    assert await rig.told(request) == ["MailAccepted", "MailBounced"]
    assert rig.host.connections == 1


@pytest.mark.parametrize("act", ["451 4.3.0 later", "550 5.7.1 not you", Fault.DROP, Fault.SILENCE])
@pytest.mark.usefixtures("impatient")
async def test_what_fails_before_a_recipient_is_named_costs_no_mail_an_attempt(rig: Rig, act: str | Fault) -> None:
    rig.host.acts = {"mail": act}
    rig.send()
    request = await rig.request(code_mail())
    await rig.host.reached("mail", 2)  # the mail's own, and one to see whether the host works again
    nobody_has_it = "select lease_until is null and attempts = 0 and state = 'accepted' from mails"
    await rig.until(lambda: rig.unit.pool.fetchval(nobody_has_it))
    rig.host.acts = {}
    rig.host.speak()
    await rig.reaches(request, "sent")
    assert await rig.told(request) == ["MailAccepted", "MailSent"]
    assert len(rig.host.taken) == 1


@pytest.mark.parametrize("fault", [Fault.DROP, Fault.SILENCE])
@pytest.mark.parametrize("step", ["rcpt", "data", "message"])
@pytest.mark.usefixtures("impatient")
async def test_only_where_the_connection_broke_after_the_message_may_a_second_copy_go(
    rig: Rig, step: Literal["rcpt", "data", "message"], fault: Fault
) -> None:
    before = maybe_twice()
    rig.host.acts = {step: fault}
    rig.send()
    request = await rig.request(code_mail())
    await rig.reaches(request, "deferred")
    assert maybe_twice() - before == (step == "message")
    copies = len(rig.host.taken)
    assert copies == (step == "message" and fault is Fault.DROP)
    rig.host.acts = {}
    rig.later(seconds=5)
    await rig.reaches(request, "sent")
    assert len(rig.host.taken) == copies + 1
    assert len({mail["Message-ID"] for mail in rig.host.taken}) == 1


async def test_a_line_that_begins_with_a_period_arrives_as_it_was_written(rig: Rig) -> None:
    rig.host.acts = {}
    rig.send()
    request = await rig.request(code_mail(code=".\n..471592"))
    await rig.reaches(request, "sent")
    assert ".471592" in rig.host.taken[0].as_string().replace("-", "").replace(" ", "")


async def test_a_host_that_writes_reports_is_asked_to_quote_no_body_in_them(rig: Rig) -> None:
    rig.host.dsn = True
    rig.send()
    for _ in range(2):
        await rig.reaches(await rig.request(code_mail()), "sent")
    assert rig.host.wishes == ["RET=HDRS", "RET=HDRS"]


async def test_a_host_that_is_older_than_all_extensions_gets_its_mail(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unknown(connection: SMTP, _hostname: str) -> None:
        await connection.push("502 5.5.1 what?")

    monkeypatch.setattr(SMTP, "smtp_EHLO", unknown)
    rig.send()
    await rig.reaches(await rig.request(code_mail()), "sent")


async def test_a_host_that_knows_no_such_wish_gets_the_mail_without(rig: Rig) -> None:
    rig.send()
    await rig.reaches(await rig.request(code_mail()), "sent")
    assert rig.host.wishes == []


async def test_only_a_host_that_offers_it_is_sent_commands_ahead_and_it_is_sent_two_for_each_mail(
    rig: Rig, *, pipelining: bool
) -> None:
    rig.send()
    for _ in range(3):
        await rig.reaches(await rig.request(code_mail()), "sent")
    assert rig.host.ahead == (6 if pipelining else 0)


async def test_a_host_that_waits_for_a_message_without_a_recipient_gets_none(rig: Rig, *, pipelining: bool) -> None:
    rig.host.acts = {"rcpt": "554 5.7.1 no", "data": "354 go ahead"}
    rig.send()
    await rig.reaches(await rig.request(code_mail()), "undelivered")
    rig.host.acts = {}
    await rig.reaches(await rig.request(code_mail(address="luc@autre.example")), "sent")
    assert len(rig.host.taken) == 1
    assert rig.host.connections == (2 if pipelining else 1)


async def test_an_answer_of_several_lines_is_read_as_one(rig: Rig) -> None:
    rig.host.acts = {"rcpt": "550-5.1.1 nobody here\r\n550-has that name\r\n550 ask elsewhere"}
    rig.send()
    await rig.reaches(await rig.request(code_mail()), "undelivered")
    assert await rig.unit.pool.fetchval("select reason from mails") == "5.1.1"
