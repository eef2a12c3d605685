"""From a report that the mail host brings to what becomes of the mail and of its address."""

import asyncio
import smtplib
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from uuid_utils.compat import uuid7

from chassis import keys
from contracts.notifications import MailRequest
from services.notifications.bounces import reports
from services.notifications.bounces.return_path import LONGEST_LOCAL_PART, ReturnPath
from services.notifications.bounces.server import LARGEST_REPORT, MOST_CONNECTIONS, BounceServer
from services.notifications.suppressions.domain import COMPLAINT_RESTS
from services.notifications.tests.rig import KEYRING, RETURN_PATH, Rig, code_mail, coordinates_mail
from tests.fixtures.patience import PATIENCE

REPORTS = Path(__file__).parent / "reports"
BARE = "bounces@notifications.example"
ADDRESS = "nathalie.roy@firme.example"


@pytest.fixture
async def server(rig: Rig) -> AsyncIterator[BounceServer]:
    found = BounceServer(rig.unit, RETURN_PATH, "127.0.0.1", 0, feedback_loops=True)
    await found.start()
    yield found
    found.stop()


async def bring(
    server: BounceServer, recipient: str, content: bytes, protocol: type[smtplib.SMTP] = smtplib.LMTP
) -> int:
    """Bring a mail as a mail host does. Returns the code of the answer that decided."""

    def talk() -> int:
        with protocol("127.0.0.1", server.port, timeout=PATIENCE) as client:
            client.ehlo_or_helo_if_needed()
            client.mail("")
            code, _ = client.rcpt(recipient)
            return client.data(content)[0] if code == 250 else code

    return await asyncio.to_thread(talk)


def report(name: str, request: MailRequest | None = None) -> bytes:
    """A report of reports/, about a mail where it quotes one."""
    content = (REPORTS / f"{name}.eml").read_bytes()
    return content.replace(b"{return_path}", RETURN_PATH.of(request.delivery_id).encode()) if request else content


async def sent(rig: Rig) -> MailRequest:
    """A mail that was sent."""
    rig.send()
    request = await rig.request(code_mail(issued_at=rig.clock.now))
    await rig.reaches(request, "sent")
    return request


async def listed(rig: Rig) -> list[tuple[str, str | None]]:
    """Reason and status of the addresses on the suppression list."""
    rows = await rig.unit.pool.fetch(
        "select reason, status from suppressions where released_at is null order by since, suppression_id"
    )
    return [(row["reason"], row["status"]) for row in rows]


async def everything(rig: Rig) -> list[str]:
    """Every row that a report could change."""
    tables = ("mails", "outbox", "suppressions", "audit")
    return [
        str(dict(row)) for table in tables for row in await rig.unit.pool.fetch(f"select * from {table} order by 1")
    ]


async def test_each_mail_leaves_with_an_envelope_sender_of_its_own_and_the_agency_in_from(rig: Rig) -> None:
    first, second = await sent(rig), await sent(rig)
    assert rig.host.senders == [RETURN_PATH.of(first.delivery_id), RETURN_PATH.of(second.delivery_id)]
    assert {str(mail["From"]) for mail in rig.host.taken} == {"CCQ – Services en ligne <services-en-ligne@ccq.example>"}


@pytest.mark.parametrize("protocol", [smtplib.LMTP, smtplib.SMTP])
async def test_a_report_makes_a_sent_mail_bounced_and_its_address_suppressed(
    rig: Rig, server: BounceServer, protocol: type[smtplib.SMTP]
) -> None:
    request = await sent(rig)
    recipient = RETURN_PATH.of(request.delivery_id)
    assert await bring(server, recipient, report("postfix_no_such_user"), protocol) == 250
    assert (await rig.delivery(request)).status == "undelivered"
    assert await rig.told(request) == ["MailAccepted", "MailSent", "MailBounced"]
    assert await listed(rig) == [("no_such_address", "5.1.1")]
    following = await rig.request(code_mail())
    await rig.reaches(following, "undelivered")
    assert await rig.told(following) == ["MailAccepted", "MailSuppressed"]
    assert len(rig.host.taken) == 1


@pytest.mark.parametrize("name", ["postfix_no_such_user", "complaint_by_original_mail_from"])
async def test_the_same_report_twice_changes_nothing(rig: Rig, server: BounceServer, name: str) -> None:
    request = await sent(rig)
    recipient = RETURN_PATH.of(request.delivery_id)
    assert await bring(server, recipient, report(name, request)) == 250
    before = await everything(rig)
    rig.clock.advance(hours=1)
    assert await bring(server, recipient, report(name, request)) == 250
    assert await everything(rig) == before


@pytest.mark.parametrize("name", ["postfix_no_such_user", "complaint_by_original_mail_from"])
async def test_a_report_that_comes_again_after_a_release_suppresses_nothing(
    rig: Rig, server: BounceServer, name: str
) -> None:
    request = await sent(rig)
    recipient = RETURN_PATH.of(request.delivery_id)
    await bring(server, recipient, report(name, request))
    await rig.unit.pool.execute("update suppressions set released_at = $1", rig.clock.now)
    assert await bring(server, recipient, report(name, request)) == 250
    assert await listed(rig) == []


@pytest.mark.parametrize("name", ["postfix_delayed", "postfix_delivered", "vacation", "read_receipt", "cut_off"])
async def test_what_is_no_failure_changes_nothing(rig: Rig, server: BounceServer, name: str) -> None:
    request = await sent(rig)
    before = await everything(rig)
    assert await bring(server, RETURN_PATH.of(request.delivery_id), report(name)) == 250
    assert await everything(rig) == before


async def test_a_full_mailbox_bounces_the_mail_and_leaves_the_address(rig: Rig, server: BounceServer) -> None:
    request = await sent(rig)
    await bring(server, RETURN_PATH.of(request.delivery_id), report("exchange_mailbox_full"))
    assert (await rig.delivery(request)).status == "undelivered"
    assert await listed(rig) == []


async def test_several_soft_failures_suppress(rig: Rig, server: BounceServer) -> None:
    for _ in range(5):
        request = await sent(rig)
        await bring(server, RETURN_PATH.of(request.delivery_id), report("postfix_gave_up"))
        rig.clock.advance(days=1)
    assert await listed(rig) == [("repeated_failures", "4.4.1")]


@pytest.mark.parametrize("name", ["complaint_by_original_mail_from", "complaint_by_quoted_headers"])
async def test_a_complaint_of_a_feedback_loop_finds_its_mail_and_suppresses(
    rig: Rig, server: BounceServer, name: str
) -> None:
    request = await sent(rig)
    assert await bring(server, BARE, report(name, request)) == 250
    assert await listed(rig) == [("complaint", None)]
    assert (await rig.delivery(request)).status == "sent"


async def complained(rig: Rig, server: BounceServer, request: MailRequest) -> MailRequest:
    """A mail that arrived and was called unwanted."""
    rig.send()
    await rig.request(request)
    await rig.reaches(request, "sent")
    assert await bring(server, BARE, report("complaint_by_original_mail_from", request)) == 250
    return request


async def test_a_complaint_about_a_code_stops_codes_and_nothing_else(rig: Rig, server: BounceServer) -> None:
    await complained(rig, server, code_mail(address=ADDRESS))
    another = await rig.request(code_mail(address=ADDRESS))
    await rig.reaches(another, "undelivered")
    assert await rig.told(another) == ["MailAccepted", "MailSuppressed"]
    await rig.reaches(await rig.request(coordinates_mail(address=ADDRESS)), "sent")


async def test_a_complaint_about_a_mail_that_anyone_may_ask_for_rests_a_day_and_may_be_made_again(
    rig: Rig, server: BounceServer
) -> None:
    for _ in range(2):
        await complained(rig, server, code_mail(address=ADDRESS, issued_at=rig.clock.now))
        rig.clock.advance(seconds=COMPLAINT_RESTS.total_seconds() - 1)
        await rig.reaches(await rig.request(code_mail(address=ADDRESS, issued_at=rig.clock.now)), "undelivered")
        rig.clock.advance(seconds=1)


async def test_the_same_complaint_again_after_its_rest_stops_nothing(rig: Rig, server: BounceServer) -> None:
    request = await complained(rig, server, code_mail(address=ADDRESS))
    rig.clock.advance(seconds=COMPLAINT_RESTS.total_seconds())
    assert await bring(server, BARE, report("complaint_by_original_mail_from", request)) == 250
    await rig.reaches(await rig.request(code_mail(address=ADDRESS, issued_at=rig.clock.now)), "sent")


async def test_a_complaint_about_what_only_the_agency_sends_stands_until_an_agent_releases_it(
    rig: Rig, server: BounceServer
) -> None:
    await complained(rig, server, coordinates_mail(address=ADDRESS))
    rig.clock.advance(days=20)
    await rig.reaches(await rig.request(coordinates_mail(address=ADDRESS)), "undelivered")
    await rig.reaches(await rig.request(code_mail(address=ADDRESS, issued_at=rig.clock.now)), "sent")


async def test_a_dead_mailbox_stops_every_kind_also_after_a_complaint(rig: Rig, server: BounceServer) -> None:
    request = await complained(rig, server, code_mail(address=ADDRESS))
    assert await bring(server, RETURN_PATH.of(request.delivery_id), report("gmail_account_gone")) == 250
    for following in (code_mail(address=ADDRESS), coordinates_mail(address=ADDRESS)):
        await rig.request(following)
        await rig.reaches(following, "undelivered")
    assert await listed(rig) == [("complaint", None), ("no_such_address", "5.1.1")]


async def test_a_complaint_that_quotes_no_mail_of_ours_is_taken_and_ignored(rig: Rig, server: BounceServer) -> None:
    await sent(rig)
    assert await bring(server, BARE, report("complaint_of_fraud")) == 250
    assert await listed(rig) == []


async def test_a_report_that_overtakes_the_senders_record_counts(rig: Rig, server: BounceServer) -> None:
    request = await rig.request(code_mail())
    assert await bring(server, RETURN_PATH.of(request.delivery_id), report("gmail_account_gone")) == 250
    assert await rig.told(request) == ["MailAccepted", "MailBounced"]
    assert await listed(rig) == [("no_such_address", "5.1.1")]
    assert await rig.unit.pool.fetchval("select sealed from mails") is None


async def test_a_forged_recipient_is_refused(rig: Rig, server: BounceServer) -> None:
    request = await sent(rig)
    stranger = ReturnPath(BARE, keys.generate("notifications"))
    true = RETURN_PATH.of(request.delivery_id)
    forged = [
        stranger.of(request.delivery_id),
        true.replace("@", "a@"),
        true.replace("notifications.example", "other.example"),
        "bounces+@notifications.example",
        "bounces+" + "a" * 42 + "@notifications.example",
        "postmaster@notifications.example",
    ]
    assert [await bring(server, address, report("postfix_no_such_user")) for address in forged] == [550] * len(forged)
    assert (await rig.delivery(request)).status == "sent"


async def test_a_report_of_a_mail_that_is_not_here_is_refused(rig: Rig, server: BounceServer) -> None:
    assert await bring(server, RETURN_PATH.of(uuid7()), report("postfix_no_such_user")) == 550


async def test_while_a_report_cannot_be_recorded_the_mail_host_keeps_it(rig: Rig, server: BounceServer) -> None:
    request = await sent(rig)
    recipient = RETURN_PATH.of(request.delivery_id)
    await rig.stop_sending()
    await rig.unit.pool.execute("alter table mails rename to gone")
    assert await bring(server, recipient, report("postfix_no_such_user")) == 451
    await rig.unit.pool.execute("alter table gone rename to mails")
    assert (await rig.delivery(request)).status == "sent"
    assert await bring(server, recipient, report("postfix_no_such_user")) == 250
    assert (await rig.delivery(request)).status == "undelivered"


async def test_a_fault_of_ours_does_not_cost_the_report(
    rig: Rig, server: BounceServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fault(_: bytes) -> None:
        raise KeyError("a bug")

    monkeypatch.setattr(reports, "read", fault)
    assert await bring(server, RETURN_PATH.of(uuid7()), b"") == 451


async def test_a_report_too_large_is_refused_and_the_next_one_taken(rig: Rig, server: BounceServer) -> None:
    request = await sent(rig)
    recipient = RETURN_PATH.of(request.delivery_id)
    assert await bring(server, recipient, report("postfix_no_such_user") + b"x" * LARGEST_REPORT) == 552
    assert await bring(server, recipient, report("postfix_no_such_user")) == 250


async def test_one_connection_too_many_is_asked_to_come_again(server: BounceServer) -> None:
    held = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(MOST_CONNECTIONS)]
    for reader, _ in held:
        assert (await reader.readline()).startswith(b"220")
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    assert (await reader.readline()).startswith(b"421")
    writer.close()
    for _, other in held:
        other.close()


async def test_nothing_of_a_report_is_kept_or_logged(
    rig: Rig, server: BounceServer, caplog: pytest.LogCaptureFixture
) -> None:
    request = await sent(rig)
    caplog.set_level("DEBUG")
    await bring(server, RETURN_PATH.of(request.delivery_id), report("postfix_no_such_user"))
    for kept in (*await everything(rig), caplog.text):
        assert "nathalie" not in kept.lower() and "rejected" not in kept


@given(st.uuids())
def test_only_our_own_envelope_senders_name_a_mail(identity: UUID) -> None:
    address = RETURN_PATH.of(identity)
    assert RETURN_PATH.read(address) == RETURN_PATH.read(address.upper()) == identity
    assert len(address.partition("@")[0]) <= LONGEST_LOCAL_PART
    assert ReturnPath(BARE, keys.generate("notifications")).read(address) is None


@given(st.text())
def test_no_other_text_names_a_mail(text: str) -> None:
    assert RETURN_PATH.read(text) is None
    assert RETURN_PATH.read(f"bounces+{text}@notifications.example") is None


def test_an_envelope_sender_is_recognized_after_the_key_was_changed() -> None:
    identity = uuid7()
    newer = keys.generate("notifications")
    rotated = keys.Keyring("notifications", newer.sealing, (*newer.digests, *KEYRING.digests), newer.storage)
    assert ReturnPath(BARE, rotated).read(RETURN_PATH.of(identity)) == identity


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=st.lists(st.binary(max_size=80) | st.sampled_from([b"LHLO x", b"MAIL FROM:<>", b"DATA", b".", b"RSET"])))
async def test_whatever_is_said_to_the_server_it_stays_open(server: BounceServer, lines: list[bytes]) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(b"\r\n".join(lines))
    writer.close()
    await writer.wait_closed()
    assert await bring(server, BARE, report("vacation")) == 250
