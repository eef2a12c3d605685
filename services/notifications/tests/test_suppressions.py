"""Which failures put an address on the suppression list, and what that does to the mails that follow."""

from typing import Any

import pytest
from aiosmtpd.smtp import Envelope
from uuid_utils.compat import uuid7

from contracts.notifications import MailRequest
from services.notifications.sending.hosts import Access, MailHosts, Patience
from services.notifications.sending.preparing import ANSWER_HOLDS
from services.notifications.settings import HostAddress
from services.notifications.suppressions.domain import SOFT_DAYS, SOFT_FAILURES, SOFT_WINDOW, Failure, Weight, weigh
from services.notifications.suppressions.handlers import weigh_failure
from services.notifications.tests.host import Fault
from services.notifications.tests.rig import SOMEBODY, Rig, all_of, code_mail, coordinates_mail
from tests.fixtures.patience import PATIENCE

ADDRESS = "nathalie.roy@firme.example"


async def ended(rig: Rig, **mail: Any) -> MailRequest:
    """Ask for a mail that was born now, and wait until it has ended."""
    request = await rig.request(code_mail(issued_at=rig.clock.now, **mail))
    over = "select due_at is null from mails where delivery_id = $1"
    await rig.until(lambda: rig.unit.pool.fetchval(over, request.delivery_id))
    return request


async def listed(rig: Rig) -> list[str]:
    """Why the addresses on the list stand there."""
    rows = await rig.unit.pool.fetch(
        "select reason from suppressions where released_at is null order by since, suppression_id"
    )
    return [row["reason"] for row in rows]


def answers(status: str) -> Any:
    return lambda _: f"550 {status} no"


@pytest.mark.parametrize(
    ("status", "weight"),
    [
        ("5.1.1", Weight.CONCLUSIVE),
        ("5.1.10", Weight.CONCLUSIVE),
        ("5.2.1", Weight.CONCLUSIVE),
        ("5.4.4", Weight.CONCLUSIVE),
        ("5.2.2", Weight.COUNTED),
        ("5.4.1", Weight.COUNTED),
        ("5.0.0", Weight.NONE),
        ("4.0.0", Weight.NONE),
        ("4.4.1", Weight.COUNTED),
        ("4.1.1", Weight.COUNTED),
        ("5.1.7", Weight.NONE),
        ("5.1.8", Weight.NONE),
        ("5.7.1", Weight.NONE),
        ("5.7.26", Weight.NONE),
        ("4.7.1", Weight.NONE),
        ("5.6.0", Weight.NONE),
    ],
)
def test_only_what_is_said_about_the_address_counts_against_it(status: str, weight: Weight) -> None:
    assert weigh(status) is weight


async def test_an_address_that_does_not_exist_is_not_written_to_again(rig: Rig) -> None:
    rig.host.unwelcome = {ADDRESS}
    rig.send()
    first = await ended(rig)
    assert await rig.told(first) == ["MailAccepted", "MailBounced"]
    rig.host.unwelcome = set()
    second = await ended(rig, address="Nathalie.Roy@FIRME.example")
    assert await rig.told(second) == ["MailAccepted", "MailSuppressed"]
    assert await rig.unit.pool.fetchval("select reason from mails where state = 'suppressed'") == "no_such_address"
    assert rig.host.taken == []


async def test_a_person_is_told_alike_of_a_bounced_and_of_a_suppressed_mail(rig: Rig) -> None:
    rig.host.unwelcome = {ADDRESS}
    rig.send()
    bounced, suppressed = await ended(rig), await ended(rig)
    assert await rig.delivery(bounced) == await rig.delivery(suppressed)
    assert (await rig.delivery(suppressed)).status == "undelivered"


async def test_other_addresses_are_still_written_to(rig: Rig) -> None:
    rig.host.unwelcome = {ADDRESS}
    rig.send()
    await ended(rig)
    welcome = [await rig.request(code_mail(address=f"person{number}@firme.example")) for number in range(40)]
    await all_of(*(rig.reaches(mail, "sent") for mail in welcome))


async def test_a_refusal_of_us_is_not_held_against_the_address(rig: Rig) -> None:
    rig.host.answers = answers("5.7.1")
    rig.send()
    for _ in range(SOFT_FAILURES + 1):
        await ended(rig)
    assert await listed(rig) == []


async def test_a_full_mailbox_is_given_up_after_several_failures(rig: Rig) -> None:
    rig.host.answers = answers("5.2.2")
    rig.send()
    for _ in range(SOFT_FAILURES):
        assert await listed(rig) == []
        await ended(rig)
        rig.clock.advance(days=1)
    assert await listed(rig) == ["repeated_failures"]


@pytest.mark.parametrize("full_days", [0, 1])
async def test_failures_that_a_stranger_can_make_in_an_hour_or_two_suppress_nothing(rig: Rig, full_days: int) -> None:
    rig.host.answers = answers("5.2.2")
    rig.send()
    for _ in range(full_days):
        await ended(rig)
        rig.clock.advance(days=1)
    for _ in range(2 * SOFT_FAILURES):
        await ended(rig)
    assert await listed(rig) == []


async def test_many_failures_of_one_day_hide_none_of_the_days_before(rig: Rig) -> None:
    rig.host.answers = answers("5.2.2")
    rig.send()
    for _ in range(SOFT_DAYS - 1):
        await ended(rig)
        rig.clock.advance(days=1)
    for _ in range(SOFT_FAILURES - SOFT_DAYS + 1):
        assert await listed(rig) == []
        await ended(rig)
    assert await listed(rig) == ["repeated_failures"]


async def test_a_refusal_without_a_status_suppresses_nothing(rig: Rig) -> None:
    rig.host.answers = lambda _: "550 no"
    rig.send()
    for _ in range(SOFT_FAILURES):
        await ended(rig)
        rig.clock.advance(days=1)
    assert await listed(rig) == []


async def test_failures_long_ago_no_longer_count(rig: Rig) -> None:
    rig.host.answers = answers("5.2.2")
    rig.send()
    for _ in range(SOFT_FAILURES - 1):
        await ended(rig)
    rig.clock.advance(seconds=SOFT_WINDOW.total_seconds())
    await ended(rig)
    assert await listed(rig) == []


async def test_failures_of_different_addresses_are_not_added_up(rig: Rig) -> None:
    rig.host.answers = answers("5.2.2")
    rig.send()
    for number in range(2 * SOFT_FAILURES):
        await ended(rig, address=f"person{number}@firme.example")
    assert await listed(rig) == []


async def test_an_address_suppressed_while_a_mail_waits_is_not_written_to(rig: Rig) -> None:
    def refuse_once(_: Envelope) -> str:
        return "451 4.7.1 later" if not deferred else "550 5.1.1 no such person"

    deferred: list[bool] = []
    rig.host.answers = refuse_once
    rig.send()
    waiting = await rig.request(code_mail())
    await rig.reaches(waiting, "deferred")
    deferred.append(True)
    await ended(rig)
    rig.later(seconds=5)
    await rig.reaches(waiting, "undelivered")
    assert (await rig.told(waiting))[-1] == "MailSuppressed"


async def test_an_address_suppressed_while_a_mail_waits_in_a_senders_hand_is_not_written_to(rig: Rig) -> None:
    address, patience = HostAddress("127.0.0.1", rig.host.port), Patience(PATIENCE, PATIENCE)
    rig.use(mail_hosts=MailHosts([address], Access(), 1, patience))
    rig.host.acts = {"message": Fault.SILENCE}
    rig.send()
    slow = await rig.request(code_mail(address="luc@autre.example"))
    await rig.host.reached("message")
    waiting = await rig.request(code_mail())

    async def in_hand() -> bool:
        return bool(await rig.unit.pool.fetchval("select bool_and(lease_until is not null) from mails"))

    await rig.until(in_hand)
    [digest] = rig.unit.tools.suppressions.digests(ADDRESS)
    await rig.unit.run(weigh_failure, Failure(uuid7(), uuid7(), digest, "5.1.1"), SOMEBODY)
    rig.clock.advance(seconds=ANSWER_HOLDS.total_seconds())
    rig.host.speak()
    await rig.reaches(slow, "sent")
    await rig.reaches(waiting, "undelivered")
    assert len(rig.host.taken) == 1


def test_an_address_has_one_digest_however_its_domain_is_written(rig: Rig) -> None:
    digests = rig.unit.tools.suppressions.digests
    spellings = ("Ana@xn--mnchen-3ya.example", "ana@münchen.example", "ana@MÜNCHEN.example", " ana@münchen.example")
    assert len({digests(spelling) for spelling in spellings}) == 1
    assert digests("ana@strasse.example") != digests("ana@straße.example")
    assert digests("no address") == digests("No address")


async def test_the_list_holds_no_address(rig: Rig) -> None:
    rig.host.unwelcome = {ADDRESS}
    rig.send()
    request = await ended(rig)
    [row] = await rig.unit.pool.fetch("select * from suppressions")
    assert (row["delivery_id"], row["recipient_id"], row["status"], row["since"]) == (
        request.delivery_id,
        request.recipient_id,
        "5.1.1",
        rig.clock.now,
    )
    assert "nathalie" not in str(dict(row)) and len(row["address_digest"]) == 32
    [noted] = await rig.unit.pool.fetch("select action, object_id, detail from audit")
    assert noted["action"] == "address_suppressed" and noted["object_id"] == row["suppression_id"]


async def test_an_ended_mail_names_nobody(rig: Rig) -> None:
    rig.send()
    request = await rig.request(coordinates_mail(organization_name="Nathalie Roy"))
    await rig.reaches(request, "sent")
    for row in await rig.unit.pool.fetch("select * from mails"):
        assert "Roy" not in str(dict(row))


async def test_a_mail_keeps_the_digest_of_its_address_after_its_seal_is_gone(rig: Rig) -> None:
    rig.send()
    request = await ended(rig)
    row = await rig.unit.pool.fetchrow("select sealed, address_digest from mails")
    assert row is not None
    assert (row["sealed"], row["address_digest"]) == (None, rig.unit.tools.suppressions.digest(ADDRESS))
    assert (await rig.delivery(request)).since == rig.clock.now
