"""There is one way to tell somebody, whoever tells says what bounds it, and what a budget held back is told of."""

import ast
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

import services.authorizations
from chassis import keys
from chassis.sealing import Sealer
from chassis.work import Unit
from contracts.linking import OrganizationClaimed
from contracts.notifications import MAIL_REQUESTS, CollectedContents
from services.authorizations.mailing.chores import collect
from services.authorizations.tests.claiming import OFFICE, Claims, claims
from services.authorizations.tests.conftest import Firm, Someone
from services.authorizations.tests.employers import Employer, an_employer
from services.authorizations.tools import Tools
from tests.fixtures.gateway import OpenService

ROOM = Path(services.authorizations.__path__[0])
NAMES = {request.__name__ for request in MAIL_REQUESTS}
AT_ONCE = 5  # mails of claims that an administrator gets one by one: claim_mails_per_mailbox_from_one_organization


@pytest.fixture
async def world(open_service: OpenService, tmp_path: Path) -> Claims:
    return await claims(open_service, tmp_path)


@pytest.fixture
async def administrator(world: Claims) -> Someone:
    return await world.administrator()


@pytest.fixture
async def employer(open_service: OpenService, tmp_path: Path) -> Employer:
    return await an_employer(open_service, tmp_path)


def called(file: Path) -> set[str]:
    """The names that a file calls."""
    calls = (node.func for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Call))
    return {func.id for func in calls if isinstance(func, ast.Name)}


def in_days(unit: Unit[Tools], days: int) -> Unit[Tools]:
    """A worker so many days later."""
    return replace(unit, origin=replace(unit.origin, clock=lambda: datetime.now(UTC) + timedelta(days=days)))


async def collected(world: Claims, days: int = 1) -> list[dict[str, Any]]:
    """The mails in place of others, when a worker has looked so many days later."""
    while await collect(in_days(world.opened.unit, days)) is not None:
        pass
    return await world.told("MailsCollectedMail")


async def withdraw(world: Claims, claimed: OrganizationClaimed) -> None:
    request_id = await world.request_of(claimed)
    answer = await world.client.post(f"/v1/requests/{request_id}/withdrawal", headers=world.headers(claimed.account_id))
    assert answer.status_code == 200, answer.text


async def to(world: Claims, contact_id: UUID, kind: str) -> list[dict[str, Any]]:
    return [mail for mail in await world.told(kind) if mail["recipient_id"] == str(contact_id)]


def test_no_room_makes_a_mail_itself_past_the_budgets() -> None:
    files = [file for file in ROOM.rglob("*.py") if "tests" not in file.parts]
    made = {str(file.relative_to(ROOM)): found for file in files if (found := called(file) & NAMES)}
    assert made == {}


async def test_strangers_who_claim_are_told_of_one_by_one_at_first_and_then_together_the_day_after(
    world: Claims, administrator: Someone
) -> None:
    for number in range(AT_ONCE + 3):
        await world.claim(await world.account(f"Inconnue{number}"))

    assert len(await to(world, administrator.contact_id, "AccessRequestedMail")) == AT_ONCE
    listed = await world.client.get(f"/v1/organizations/{world.employer_id}/requests", headers=administrator.headers)
    assert len(listed.json()["items"]) == AT_ONCE + 3  # whatever was mailed, each waits in the list
    assert await collected(world, days=0) == []
    [mail] = await collected(world)
    assert (mail["recipient_id"], mail["day"]) == (str(administrator.contact_id), world.today.isoformat())
    assert mail["held"] == [{"budget": "strangers", "number": 3}]
    assert await collected(world) == [mail]


async def test_a_claim_made_and_taken_back_again_and_again_fills_no_administrators_mailbox(
    world: Claims, administrator: Someone
) -> None:
    account_id = await world.account()
    for _ in range(6):
        await withdraw(world, await world.claim(account_id))

    asked = await to(world, administrator.contact_id, "AccessRequestedMail")
    ended = await to(world, administrator.contact_id, "RequestDecidedMail")
    assert len(asked) + len(ended) == AT_ONCE
    [mail] = await collected(world)
    assert mail["held"] == [{"budget": "strangers", "number": 12 - AT_ONCE}]


async def test_what_strangers_cause_uses_up_nothing_that_a_notice_of_security_needs(
    world: Claims, administrator: Someone
) -> None:
    for number in range(AT_ONCE + 1):
        last = await world.claim(await world.account(f"Inconnue{number}"))
    given = {"type": "access_administrator", "subjects": []}
    approved = await world.decide(await world.request_of(last), administrator.headers, access=given)
    assert approved.status_code == 200, approved.text
    second = await world.contact_of(last.account_id)
    assert second is not None

    released = await world.client.post(
        f"/v1/organizations/{world.employer_id}/administrators/{second}/release",
        json={"reason": "role_changed"}, headers=administrator.headers,
    )  # fmt: skip
    assert released.status_code == 204, released.text
    blocked = await world.client.post(
        f"/v1/organizations/{world.employer_id}/blocks", json={"contact_id": str(second)}, headers=administrator.headers
    )
    assert blocked.status_code == 201, blocked.text

    for contact_id, kind in (
        (administrator.contact_id, "AdministratorsChangedMail"),
        (second, "AdministratorStatusMail"),
        (second, "AccessBlockedMail"),
    ):
        assert await to(world, contact_id, kind), kind


async def test_a_proven_claim_is_told_to_the_address_on_file_however_often_others_claimed_without_a_proof(
    world: Claims,
) -> None:
    for number in range(AT_ONCE + 1):
        await world.claim(await world.account(f"Inconnue{number}"))
    assert len(await to(world, world.employer_id, "ClaimUndecidedMail")) == AT_ONCE
    await world.administrator()

    await world.claim(await world.account("Vraie"), proven=True)  # within the contest window: agents decide

    assert len(await to(world, world.employer_id, "ClaimUndecidedMail")) == AT_ONCE + 1


async def test_who_appoints_and_releases_in_turns_fills_no_mailbox_and_the_rest_is_told_together(
    employer: Employer,
) -> None:
    count = employer.at.opened.tools.agency.limits.attempts["warnings_per_mailbox_from_one_organization"].count
    await employer.at.opened.unit.pool.execute("delete from limits")
    for _ in range(2):
        assert (await employer.appoint(employer.worker)).status_code == 201
        assert (await employer.release(employer.worker, reason="role_changed")).status_code == 204
    await employer.at.opened.unit.pool.execute(
        "update limits set spent = $2 where name = $1", "warnings_per_mailbox_from_one_organization", count
    )
    before = len(await employer.mails("AdministratorStatusMail"))

    assert (await employer.appoint(employer.worker)).status_code == 201
    assert len(await employer.mails("AdministratorStatusMail")) == before
    blocked = await employer.post("blocks", employer.administrator.headers, contact_id=str(employer.worker.contact_id))
    assert blocked.status_code == 201
    assert len(await employer.at.opened.published("AccessBlockedMail")) == 1  # a kind by itself

    unit = employer.at.opened.unit
    assert await collect(in_days(unit, 1)) is None
    told = await employer.at.opened.published("MailsCollectedMail")
    assert {mail["recipient_id"] for mail in told} == {
        str(employer.worker.contact_id), str(employer.administrator.contact_id)
    }  # fmt: skip
    assert [mail["held"] for mail in told] == [[{"budget": "warnings", "number": 1}]] * 2


async def test_an_address_on_file_and_an_account_are_told_of_what_was_held_back_from_them(world: Claims) -> None:
    account_id = await world.account("Noor")
    day = world.today - timedelta(days=1)
    for recipient_id in (account_id, world.employer_id, uuid7()):
        await world.opened.unit.pool.execute(
            "insert into held_mails (day, mailbox, recipient_id, organization_id, warnings) values ($1, $2, $3, $4, 2)",
            day, recipient_id.bytes, recipient_id, world.employer_id,
        )  # fmt: skip
    told = await collected(world, days=0)
    assert {mail["recipient_id"] for mail in told} == {str(account_id), str(world.employer_id)}


async def test_one_mailbox_is_sent_one_mail_of_all_that_was_held_back_from_it_about_however_many_organizations(
    firm: Firm, keyring_folder: Path
) -> None:
    """Whoever manages many organizations, or is on file for them, is not flooded by the mails in place of others."""
    opened = firm.opened
    await opened.unit.pool.execute("update personal_fields set email = $1 where legal_name is not null", OFFICE)
    day = opened.tools.moment(datetime.now(UTC)).day - timedelta(days=1)
    held = list(firm.clients.values())[:2]
    for organization_id in held:
        await opened.unit.pool.execute(
            "insert into held_mails (day, mailbox, recipient_id, organization_id, strangers, managers)"
            " values ($1, $2, $3, $3, 4, 1)",
            day, b"mailbox", organization_id,
        )  # fmt: skip
    while await collect(opened.unit) is not None:
        pass
    [mail] = await opened.published("MailsCollectedMail")
    assert mail["held"] == [{"budget": "strangers", "number": 8}, {"budget": "managers", "number": 2}]
    ring = keys.read(keyring_folder / "notifications.json")
    reader = Sealer(ring, keys.read_public(keyring_folder / "public.json"))
    contents = reader.open(mail["sealed"], CollectedContents)
    assert contents.address == OFFICE
    [other] = contents.others.listed
    assert {mail["organization_name"], other.organization_name} == {
        name for name, organization_id in firm.clients.items() if organization_id in held
    }
