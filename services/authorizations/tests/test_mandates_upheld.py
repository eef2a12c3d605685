"""What an approval looks at once more: who signed, by which account, at whose address; and for whom the right is."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from services.authorizations.accounts.handlers import forget_account
from services.authorizations.credentials.handlers import addresses_of
from services.authorizations.deciding.chores import close_needless
from services.authorizations.managing.domain import Ending
from services.authorizations.managing.ended import withdraw_held
from services.authorizations.relations import storage as relations
from services.authorizations.tests.conftest import TEST
from services.authorizations.tests.mandating import Practices, practices
from services.authorizations.tests.test_mandates_approved import allowed, described
from tests.fixtures.gateway import OpenService

ADJOINTE = {"family_name": "Adjointe", "given_name": "Démo"}


@pytest.fixture
async def world(open_service: OpenService) -> Practices:
    return await practices(open_service)


async def refused(world: Practices, mandate_id: str) -> str:
    """Why an agent cannot approve a mandate; it waits as before."""
    answer = await world.decide(mandate_id)
    assert answer.status_code in (409, 422), answer.text
    assert (await world.show(mandate_id, world.agent))["state"] == "submitted"
    return str(answer.json()["code"])


async def returned_renewal(world: Practices) -> tuple[dict[str, Any], str, dict[str, str]]:
    """A mandate in force, its renewal that agents returned, and the headers of a correction."""
    mandate = await world.approved(ends_on=str(world.today + timedelta(days=30)))
    renewed = await world.act(mandate["mandate_id"], "renewal", world.physician.headers, language="fr")
    renewal_id = await world.complete(renewed.json()["mandate_id"])
    assert (await world.decide(renewal_id, "return", reason="mandate_to_correct")).status_code == 200
    seen = await world.client.get(f"/v1/mandates/{renewal_id}", headers=world.physician.headers)
    return mandate, renewal_id, world.physician.headers | {"If-Match": seen.headers["etag"]}


async def test_a_renewal_is_corrected_to_no_other_person_service_or_role(world: Practices) -> None:
    mandate, renewal_id, headers = await returned_renewal(world)
    same = await described(world, mandate["mandate_id"])

    async def correct(**changes: Any) -> httpx.Response:
        return await world.act(renewal_id, "correction", headers, **world.wanted(**changes))

    others: list[dict[str, Any]] = [
        {"delegate": same | {"given_name": "Complice"}},
        {"delegate": same | {"email": "complice@example.org"}},
        {"delegate": same, "service": "account_statements"},
        {"delegate": same, "role": "billing_clerk"},
    ]
    for changes in others:
        answer = await correct(**changes)
        assert (answer.status_code, answer.json()["code"]) == (422, "renewal_of_another"), changes
    respelled = same | {"email": same["email"].replace("@", "+x@")}
    shorter = await correct(delegate=respelled, ends_on=str(world.today + timedelta(days=60)))
    assert shorter.status_code == 200, shorter.text
    assert shorter.json()["renews"] == mandate["mandate_id"]


async def test_a_renewal_that_describes_somebody_else_gives_the_delegate_of_the_old_one_nothing(
    world: Practices,
) -> None:
    mandate = await world.approved(ends_on=str(world.today + timedelta(days=30)))
    renewed = await world.act(mandate["mandate_id"], "renewal", world.physician.headers, language="fr")
    renewal_id = renewed.json()["mandate_id"]
    await world.opened.unit.pool.execute(  # as one was corrected before that was refused
        "update personal_fields set family_name = 'Complice' where owner_id = $1 or owner_id ="
        " (select side_id from mandate_sides where request_id = $1 and side = 'delegate')", UUID(renewal_id),
    )  # fmt: skip
    await world.complete(renewal_id)
    assert (await world.decide(renewal_id)).status_code == 200
    given = (await world.show(renewal_id))["given"]
    assert given["contact_id"] != mandate["given"]["contact_id"]
    states = [s for s in await world.opened.published("Contact") if s["contact_id"] == given["contact_id"]]
    assert states[-1]["credential"]["generation"] == 1


async def test_what_was_signed_by_an_account_closed_unlinked_or_replaced_since_is_not_approved(
    world: Practices,
) -> None:
    mandate_id, own = await world.complete_one(), world.physician
    await world.follow(own.account_id, status="deactivated")
    assert await refused(world, mandate_id) == "mandate_not_upheld"
    await world.follow(own.account_id, status="active")
    pool = world.opened.unit.pool
    other = await world.follow()
    await pool.execute(
        "update bindings set account_id = $2 where contact_id = $1 and upper_inf(recorded)", own.contact_id, other
    )
    assert (await world.decide(mandate_id)).json()["code"] == "mandate_not_upheld"
    await pool.execute("update bindings set account_id = $2 where contact_id = $1", own.contact_id, own.account_id)
    assert (await world.decide(mandate_id)).status_code == 200


async def test_a_mandate_is_refused_with_words_once_a_person_of_it_is_erased(world: Practices) -> None:
    mandate_id = await world.complete_one()
    await world.opened.unit.run(forget_account, world.physician.account_id, TEST)
    assert await refused(world, mandate_id) == "mandate_party_erased"
    rejected = await world.decide(mandate_id, "reject", reason="delegate_not_entitled")
    assert rejected.status_code == 200, rejected.text


async def test_an_address_that_somebody_else_has_by_the_approval_is_asked_for_anew(world: Practices) -> None:
    mandate_id = await world.complete_one(email="partagee@example.org")
    await world.follow(email="Partagee+x@example.org")
    answer = await world.decide(mandate_id)
    assert (answer.status_code, answer.json()["code"]) == (409, "delegate_address_shared")
    assert answer.json()["next"]["href"] == f"/v1/mandates/{mandate_id}/address-requests"
    asked = await world.client.post(
        f"/v1/mandates/{mandate_id}/address-requests", json={"side": "delegate"}, headers=world.agent
    )
    assert asked.status_code == 204, asked.text
    assert (await world.show(mandate_id))["state"] == "signing"
    assert await world.verify(mandate_id, "delegate", "seule@example.org")
    assert (await world.decide(mandate_id)).status_code == 200


async def test_the_account_of_the_professional_never_has_the_address_of_the_delegate(world: Practices) -> None:
    [row] = await world.opened.unit.pool.fetch(
        "select family_name, given_name from personal_fields where owner_id = $1", world.physician.contact_id
    )
    mandate_id = await world.complete_one(email="deux@example.org", delegate=dict(row))
    await world.follow(world.physician.account_id, email="deux@example.org", **dict(row))
    assert await refused(world, mandate_id) in ("delegate_address_shared", "professional_address_shared")
    assert (await world.show(mandate_id))["given"] is None


async def test_another_spelling_of_a_mailbox_is_the_same_person(world: Practices) -> None:
    first = await world.approved(delegate=ADJOINTE, email="plus@example.org")
    spelled = ADJOINTE | {"email": "plus+b@example.org"}
    again = (await world.ask(world.wanted(delegate=spelled))).json()["items"][0]
    assert again["problem"]["code"] == "mandate_without_end"
    waiting = await world.asked(delegate=ADJOINTE | {"email": "autre@example.org"}, service="eligibility_check")
    twice = world.wanted(delegate=ADJOINTE | {"email": "AUTRE+c@example.org"}, service="eligibility_check")
    problem = (await world.ask(twice)).json()["items"][0]["problem"]
    assert (problem["code"], problem["next"]["href"]) == ("mandate_waiting", f"/v1/mandates/{waiting}")
    other = await world.approved(delegate=spelled, email="plus+b@example.org", service="account_statements")
    assert other["given"]["contact_id"] == first["given"]["contact_id"]


async def test_a_credential_goes_to_the_address_as_the_account_of_the_delegate_spells_it(world: Practices) -> None:
    await world.follow(None, email="plus@example.org", **ADJOINTE)
    mandate = await world.approved(delegate=ADJOINTE, email="plus+b@example.org")
    to = (await world.opened.unit.run(addresses_of, UUID(mandate["given"]["contact_id"]), TEST)).outcome
    assert to is not None and to.delegate.email == "plus@example.org"


async def test_who_is_closed_out_is_given_nothing_by_any_spelling_until_the_account_is_opened_again(
    world: Practices,
) -> None:
    first = await world.approved(delegate=ADJOINTE, email="fer@example.org")
    delegate = await world.link(UUID(first["given"]["contact_id"]))
    known = {"email": "fer@example.org", **ADJOINTE}
    await world.follow(delegate.account_id, status="deactivated", **known)
    mandate_id = await world.complete_one(
        delegate=ADJOINTE, email="fer+b@example.org", service="account_statements"
    )  # fmt: skip
    assert await refused(world, mandate_id) == "delegate_account_closed"
    elsewhere = await world.complete_one(
        delegate=ADJOINTE, email="fer+c@example.org", by=world.dentist, service="eligibility_check"
    )  # fmt: skip
    assert (await world.decide(elsewhere)).json()["code"] == "delegate_account_closed"
    await world.follow(delegate.account_id, status="active", **known)
    assert (await world.decide(mandate_id)).status_code == 200
    assert (await world.decide(elsewhere)).status_code == 200


async def _renewal(world: Practices) -> tuple[dict[str, Any], str]:
    mandate = await world.approved(ends_on=str(world.today + timedelta(days=30)))
    renewed = await world.act(
        mandate["mandate_id"], "renewal", world.physician.headers, language="fr", starts_on=str(world.today)
    )
    return mandate, await world.complete(renewed.json()["mandate_id"])


async def _ended(world: Practices, renewal_id: str) -> None:
    """It is not approved, and ends by itself; both sides are told."""
    assert await refused(world, renewal_id) == "renewed_mandate_ended"
    before = len(await world.opened.published("MandateChangedMail"))
    await close_needless(world.opened.unit)
    assert (await world.show(renewal_id))["state"] == "withdrawn"
    told = (await world.opened.published("MandateChangedMail"))[before:]
    sides = await world.opened.unit.pool.fetch(
        "select side_id from mandate_sides where request_id = $1", UUID(renewal_id)
    )
    assert {mail["mandate_change"] for mail in told} == {"withdraw"}
    assert {str(side["side_id"]) for side in sides} <= {mail["recipient_id"] for mail in told}


async def test_a_revocation_ends_the_renewal_that_waits_and_nothing_brings_the_access_back(world: Practices) -> None:
    mandate, renewal_id = await _renewal(world)
    await close_needless(world.opened.unit)
    assert (await world.show(renewal_id))["state"] == "submitted"
    delegate = await world.link(UUID(mandate["given"]["contact_id"]))
    await world.act(mandate["mandate_id"], "revocation", delegate.headers)
    await _ended(world, renewal_id)
    organization_id = mandate["organization"]["organization_id"]
    assert not await allowed(world, delegate.account_id, organization_id, "online_billing")


async def test_a_removal_of_the_delegate_ends_the_renewal_that_waits(world: Practices) -> None:
    mandate, renewal_id = await _renewal(world)
    contact_id = UUID(mandate["given"]["contact_id"])

    async def remove(work: Any, _: None) -> None:
        work.take_time()
        held = await relations.memberships_of(work.connection, contact_id)
        await withdraw_held(work, contact_id, held, Ending(tells_person=False))

    await world.opened.unit.run(remove, None, TEST)
    await _ended(world, renewal_id)


async def test_a_right_whose_professional_has_left_stays_and_agents_and_delegate_see_it(world: Practices) -> None:
    mandate = await world.approved()
    assert mandate["given"]["upheld"]
    delegate = await world.link(UUID(mandate["given"]["contact_id"]))
    await world.opened.unit.pool.execute(
        "update relations set ended_at = now() where holder_id = $1", world.physician.contact_id
    )
    for reader in (world.agent, delegate.headers):
        given = (await world.show(mandate["mandate_id"], reader))["given"]
        assert (given["in_force"], given["upheld"]) == (True, False)
    assert await allowed(world, delegate.account_id, mandate["organization"]["organization_id"], "online_billing")
    assert (await world.act(mandate["mandate_id"], "revocation", world.agent)).status_code == 200
