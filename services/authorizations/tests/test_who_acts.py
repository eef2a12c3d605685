"""Who can act now decides: where nobody can, agents do; and no stranger who came first decides about the others."""

import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from contracts.linking import OrganizationClaimed, ProfileUnlinked
from services.authorizations.accounts.handlers import follow_account, forget_account
from services.authorizations.bindings.handlers import follow_unlink
from services.authorizations.deciding.chores import follow_changes, hand_over
from services.authorizations.reviews.asking import ask_for_manager
from services.authorizations.reviews.chores import seek_managers
from services.authorizations.tests.asking import SUBJECTS, Sides
from services.authorizations.tests.claiming import Claims, a_person, claims
from services.authorizations.tests.conftest import TEST, Firm, Someone, bring_in
from services.authorizations.tests.employers import Employer, an_employer
from tests.fixtures.gateway import OpenService

BEFORE_MARKS = next((Path(__file__).parents[1] / "migrations").glob("*_who_acted.sql"))
Leave = Callable[[Claims, Someone], Awaitable[None]]


@pytest.fixture
async def world(open_service: OpenService, tmp_path: Path) -> Claims:
    return await claims(open_service, tmp_path)


@pytest.fixture
async def employer(open_service: OpenService, tmp_path: Path) -> Employer:
    return await an_employer(open_service, tmp_path)


async def unlinks(world: Claims, someone: Someone, *, looking: bool = True) -> None:
    """The person takes the profile from the account, as linking tells it."""
    link = await world.opened.unit.pool.fetchrow(
        "select link_id, lower(during) as since from bindings where account_id = $1 and upper_inf(recorded)",
        someone.account_id,
    )
    assert link is not None
    gone = ProfileUnlinked(
        contact_id=someone.contact_id, organization_id=world.employer_id, link_id=link["link_id"],
        account_id=someone.account_id, linked_at=link["since"], unlinked_at=datetime.now(UTC),
    )  # fmt: skip
    await world.opened.unit.run(follow_unlink, gone, TEST)
    if looking:
        await follow_changes(world.opened.unit)


async def closes_the_account(world: Claims, someone: Someone) -> None:
    """The account is closed, as accounts tells it."""
    closed = a_person(
        account_id=someone.account_id, version=2, status="deactivated", status_since=datetime.now(UTC)
    )  # fmt: skip
    await world.opened.unit.run(follow_account, closed, TEST)
    await follow_changes(world.opened.unit)


async def is_erased(world: Claims, someone: Someone) -> None:
    """The account is erased, as accounts tells it."""
    await world.opened.unit.run(forget_account, someone.account_id, TEST)
    await follow_changes(world.opened.unit)


async def runs_out(world: Claims, someone: Someone) -> None:
    """The last day of the function was yesterday: nobody tells it, a worker finds it."""
    await world.opened.unit.pool.execute(
        "update relations set valid = daterange(lower(valid) - 9, $2, '[]') where holder_id = $1",
        someone.contact_id, world.today - timedelta(days=1),
    )  # fmt: skip
    await hand_over(world.opened.unit)


LEAVING = pytest.mark.parametrize("leave", [unlinks, closes_the_account, is_erased, runs_out])


async def deciders(world: Claims, claimed: OrganizationClaimed) -> list[str]:
    """Who was told to decide what a claim asks, in turn."""
    told = await world.told("RequestSubmitted")
    return [event["decider"] for event in told if event["claim_id"] == str(claimed.claim_id)]


@LEAVING
async def test_when_the_last_who_can_act_stops_what_waits_goes_to_the_agents_who_are_asked_for_a_successor(
    world: Claims, leave: Leave
) -> None:
    administrator = await world.administrator()
    claimed = await world.claim(await world.account("Ida"))
    assert await deciders(world, claimed) == ["organization"]
    await follow_changes(world.opened.unit)  # of how the administrator came

    await leave(world, administrator)

    assert await deciders(world, claimed) == ["organization", "agents"]
    asker = await world.show(await world.request_of(claimed), world.headers(claimed.account_id))
    assert asker.json()["decider"] == "agents"
    told = [mail["recipient_id"] for mail in await world.told("ClaimUndecidedMail")]
    assert told == [str(world.employer_id)]
    queue = await world.client.get("/v1/requests?decider=agents", headers=world.agent)
    assert sorted((row["kind"], row["reason"]) for row in queue.json()["items"]) == [
        ("access_request", None), ("review", "unmanaged"),
    ]  # fmt: skip
    for again in (follow_changes, hand_over, seek_managers):
        await again(world.opened.unit)
    assert len(await world.told("RequestSubmitted")) == 3
    assert (await world.decide(await world.request_of(claimed), world.agent)).status_code == 200


async def test_who_left_before_there_were_marks_is_found_when_this_version_starts(world: Claims) -> None:
    administrator = await world.administrator()
    claimed = await world.claim(await world.account("Ida"))
    await unlinks(world, administrator, looking=False)
    await world.opened.unit.pool.execute("delete from acting_changed")
    await world.opened.unit.pool.execute(BEFORE_MARKS.read_text(encoding="utf-8"))
    await follow_changes(world.opened.unit)
    assert await deciders(world, claimed) == ["organization", "agents"]


@LEAVING
async def test_while_somebody_else_can_act_it_waits_for_them(world: Claims, leave: Leave) -> None:
    first = await world.administrator()
    other = await world.account("Autre")
    admitted = await world.claim(other)
    given = {"type": "access_administrator", "subjects": []}
    approved = await world.decide(await world.request_of(admitted), first.headers, access=given)
    assert approved.status_code == 200, approved.text
    claimed = await world.claim(await world.account("Ida"))

    await leave(world, first)

    assert await deciders(world, claimed) == ["organization"]
    assert [event["reason"] for event in await world.told("RequestSubmitted") if event["kind"] == "review"] == []
    stays = await world.as_contact(other)
    assert (await world.decide(await world.request_of(claimed), stays.headers)).status_code == 200


async def test_each_time_that_an_organization_is_left_alone_agents_are_asked_once(world: Claims) -> None:
    administrator = await world.administrator()

    async def asked() -> int:
        return len([event for event in await world.told("RequestSubmitted") if event["reason"] == "unmanaged"])

    async def is_again(status: str, version: int) -> None:
        person = a_person(
            account_id=administrator.account_id, version=version, status=status, status_since=datetime.now(UTC)
        )
        await world.opened.unit.run(follow_account, person, TEST)
        await follow_changes(world.opened.unit)
        await seek_managers(world.opened.unit)

    await is_again("deactivated", 2)
    assert await asked() == 1
    await is_again("deactivated", 3)
    assert await asked() == 1
    review = (await world.client.get("/v1/requests?kind=review", headers=world.agent)).json()["items"][0]
    assert (
        await world.decide(review["request_id"], world.agent, "reject", reason="not_established")
    ).status_code == 200
    await seek_managers(world.opened.unit)
    assert await asked() == 1
    await is_again("active", 4)
    assert await asked() == 1
    await is_again("deactivated", 5)
    assert await asked() == 2


@pytest.mark.parametrize("leave", [unlinks, closes_the_account])
async def test_nobody_becomes_the_first_where_somebody_still_holds_the_function(world: Claims, leave: Leave) -> None:
    administrator = await world.administrator()
    await leave(world, administrator)
    claimed = await world.claim(await world.account("Vraie"), proven=True)
    assert await deciders(world, claimed) == ["agents"]
    assert len(await world.told("AdministratorAppointed")) == 1
    mails = await world.told("AccessRequestedMail")
    assert mails == []  # nobody there can decide


async def test_who_unlinked_is_not_asked_nor_told_as_one_who_decides(world: Claims) -> None:
    first = await world.administrator()
    other = await world.account("Autre")
    admitted = await world.claim(other)
    given = {"type": "access_administrator", "subjects": []}
    await world.decide(await world.request_of(admitted), first.headers, access=given)
    before = len(await world.told("AccessRequestedMail"))
    await unlinks(world, first)
    await world.claim(await world.account("Ida"))
    stays = await world.as_contact(other)
    recipients = [mail["recipient_id"] for mail in await world.told("AccessRequestedMail")][before:]
    assert recipients == [str(stays.contact_id)]


async def test_the_last_who_can_act_stays_whoever_else_holds_the_function_without_an_account(
    employer: Employer, tmp_path: Path
) -> None:
    unlinked = {
        "organization": {
            "kind": "employer", "number": "410009", "legal_name": "FORAGES EXEMPLE LTÉE", "trade_names": [],
            "status": "active", "email": None, "language": "fr",
        },
        "contacts": [{
            "client_number": "4000009", "family_name": "Jamais", "given_name": "Démo",
            "email": "jamais@forages.example", "telephones": [], "language": "fr",
            "relations": [{"type": "access_administrator", "starts_on": "2026-01-05", "subjects": "all"}],
        }],
    }  # fmt: skip
    extract = tmp_path / "more.ndjson"
    extract.write_text(json.dumps(unlinked), encoding="utf-8")
    assert (await bring_in(employer.at.opened.unit, extract)).rejected == 0
    refused = await employer.release(employer.administrator)
    assert (refused.status_code, refused.json()["code"]) == (409, "last_manager")
    contact_id = await employer.at.contact("4000009")
    released = await employer.post(f"administrators/{contact_id}/release", employer.administrator.headers)
    assert released.status_code == 204, released.text


async def test_an_employer_whose_responsible_person_has_not_linked_yet_leaves_a_proposal_to_the_agents(
    firm: Firm, tmp_path: Path
) -> None:
    line = {
        "organization": {
            "kind": "employer", "number": "1000007", "legal_name": "TOITURES DÉMO INC.", "trade_names": [],
            "status": "active", "email": None, "language": "fr",
        },
        "contacts": [{
            "client_number": "3000007", "family_name": "Pas-Encore", "given_name": "Démo",
            "email": "pas-encore@toitures.example", "telephones": [], "language": "fr",
            "relations": [{"type": "responsible_person", "starts_on": "2025-10-27", "subjects": "all"}],
        }],
    }  # fmt: skip
    extract = tmp_path / "unlinked.ndjson"
    extract.write_text(json.dumps(line), encoding="utf-8")
    assert (await bring_in(firm.opened.unit, extract)).rejected == 0
    two = Sides(firm, UUID(int=0), firm.responsible)
    request_id = await two.proposed("1000007", subjects=SUBJECTS)
    assert (await two.show(request_id, firm.agent)).json()["decider"] == "agents"
    assert await two.mails("RequestReceivedMail") == []
    await seek_managers(firm.opened.unit)  # who never linked is not missed
    organization_id = await firm.opened.unit.pool.fetchval(
        "select organization_id from organizations where number = '1000007'"
    )
    await firm.opened.unit.run(ask_for_manager, organization_id, TEST)
    reasons = [event["reason"] for event in await two.mails("RequestSubmitted")]
    assert reasons == [None]


async def test_a_hostile_first_administrator_does_not_decide_about_whoever_proves_as_much(world: Claims) -> None:
    hostile = await world.administrator()
    before = len(await world.told("ClaimUndecidedMail"))
    claimed = await world.claim(await world.account("Vraie"), proven=True)

    assert await deciders(world, claimed) == ["agents"]
    request_id = await world.request_of(claimed)
    refused = await world.decide(request_id, hostile.headers, "reject", reason="not_with_us")
    assert refused.status_code == 403, refused.text
    told = [mail["recipient_id"] for mail in await world.told("ClaimUndecidedMail")][before:]
    assert told == [str(world.employer_id), str(hostile.contact_id)]
    assert await world.told("AccessRequestedMail") == []
    approved = await world.decide(request_id, world.agent, access={"type": "access_administrator", "subjects": []})
    assert approved.status_code == 200, approved.text


@pytest.mark.parametrize(
    "typed",
    [{"tried": True}, {"tried": True, "locked": True}],
    ids=["a code that was renewed since", "a code that nobody looked at"],
)
async def test_nor_about_whoever_types_a_code_that_the_first_one_had_renewed_or_locked(
    world: Claims, typed: dict[str, bool]
) -> None:
    await world.administrator()
    claimed = await world.claim(await world.account("Vraie"), **typed)
    assert await deciders(world, claimed) == ["agents"]


async def test_a_block_by_the_first_administrator_keeps_nobody_who_types_a_code_from_the_agents(world: Claims) -> None:
    hostile = await world.administrator()
    true_one = await world.account("Vraie")
    codeless = await world.claim(true_one)
    path = f"/v1/organizations/{world.employer_id}/blocks"
    body = {"request_id": str(await world.request_of(codeless)), "reason": "left_us"}
    blocked = await world.client.post(path, json=body, headers=hostile.headers)
    assert blocked.status_code == 201, blocked.text

    claimed = await world.claim(true_one, proven=True)
    assert await deciders(world, claimed) == ["agents"]
    request_id = await world.request_of(claimed)
    while_blocked = await world.decide(request_id, world.agent)
    assert while_blocked.json()["code"] == "claimant_blocked"
    lifted = await world.client.delete(f"{path}/{blocked.json()['block_id']}", headers=world.agent)
    assert lifted.status_code == 204, lifted.text
    assert (await world.decide(request_id, world.agent)).status_code == 200


async def test_whom_an_agent_keeps_out_is_refused_whatever_they_type(world: Claims) -> None:
    await world.administrator()
    stranger = await world.account("Autre")
    codeless = await world.claim(stranger)
    body = {"request_id": str(await world.request_of(codeless)), "reason": "misuse_suspected"}
    blocked = await world.client.post(f"/v1/organizations/{world.employer_id}/blocks", json=body, headers=world.agent)
    assert blocked.status_code == 201, blocked.text
    claimed = await world.claim(stranger, proven=True)
    assert await deciders(world, claimed) == []


async def test_nor_does_whomever_the_first_one_made_an_administrator(world: Claims) -> None:
    hostile = await world.administrator()
    accomplice = await world.account("Complice")
    admitted = await world.claim(accomplice)
    given = {"type": "access_administrator", "subjects": []}
    await world.decide(await world.request_of(admitted), hostile.headers, access=given)
    claimed = await world.claim(await world.account("Vraie"), proven=True)
    assert await deciders(world, claimed) == ["agents"]


async def test_what_is_not_proven_the_first_administrator_decides_and_everything_after_the_contest_window(
    world: Claims,
) -> None:
    administrator = await world.administrator()
    worker = await world.claim(await world.account("Ida"))
    assert await deciders(world, worker) == ["organization"]
    window = world.opened.tools.agency.managing.administrators
    assert window is not None
    await world.opened.unit.pool.execute(
        "update claims set decided_at = now() - make_interval(days => $1) where outcome = 'appointed'",
        window.contest_days,
    )
    later = await world.claim(await world.account("Tard"), proven=True)
    assert await deciders(world, later) == ["organization"]
    assert (await world.decide(await world.request_of(later), administrator.headers)).status_code == 200


async def test_what_waits_with_agents_goes_to_an_administrator_whom_an_agent_put_there_and_to_no_other(
    world: Claims,
) -> None:
    early = await world.claim(await world.account("Tôt"))
    hostile = await world.administrator()
    await follow_changes(world.opened.unit)
    assert await deciders(world, early) == ["agents"]
    assert (await world.decide(await world.request_of(early), hostile.headers)).status_code == 403
    true = await world.account("Vraie")
    proven = await world.claim(true, proven=True)
    given = {"type": "access_administrator", "subjects": []}
    assert (await world.decide(await world.request_of(proven), world.agent, access=given)).status_code == 200

    await follow_changes(world.opened.unit)

    assert await deciders(world, early) == ["agents", "organization"]
    administrator = await world.as_contact(true)
    assert str(administrator.contact_id) in [
        mail["recipient_id"] for mail in await world.told("AccessRequestedMail")
    ]  # fmt: skip
    assert (await world.decide(await world.request_of(early), administrator.headers)).status_code == 200
    next_one = await world.claim(await world.account("Suivante"), proven=True)
    assert await deciders(world, next_one) == ["organization"]


async def test_nor_does_it_go_to_the_strangers_accomplice_when_an_agent_takes_the_stranger_away(world: Claims) -> None:
    early = await world.claim(await world.account("Tôt"))
    hostile = await world.administrator()
    admitted = await world.claim(await world.account("Complice"))
    given = {"type": "access_administrator", "subjects": []}
    assert (await world.decide(await world.request_of(admitted), hostile.headers, access=given)).status_code == 200
    blocked = await world.client.post(
        f"/v1/organizations/{world.employer_id}/blocks", headers=world.agent,
        json={"contact_id": str(hostile.contact_id), "reason": "misuse_suspected"},
    )  # fmt: skip
    assert blocked.status_code == 201, blocked.text
    await follow_changes(world.opened.unit)
    assert await deciders(world, early) == ["agents"]


async def test_what_an_agent_has_in_hand_those_who_manage_cannot_decide(world: Claims) -> None:
    administrator = await world.administrator()
    request_id = await world.request_of(await world.claim(await world.account("Ida")))
    assert (await world.client.post(f"/v1/requests/{request_id}/claim", headers=world.agent)).status_code == 200

    for language, title in (("en", "Request being reviewed by an agent"), ("fr", "Demande examinée par un agent")):
        headers = administrator.headers | {"Accept-Language": language}
        held = await world.decide(request_id, headers, "reject", reason="not_with_us")
        problem = held.json()
        assert (held.status_code, problem["code"], problem["title"]) == (409, "request_with_agent", title)
        assert "30 minutes" in problem["detail"] and int(held.headers["retry-after"]) > 0
    await world.opened.unit.pool.execute("update requests set claimed_until = now()")
    assert (await world.decide(request_id, administrator.headers)).status_code == 200
