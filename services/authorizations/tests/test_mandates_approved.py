"""What an approval gives, to whom, and how it ends: revoked, renewed, corrected; and what the queue tells everybody."""

import asyncio
from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.authorizations.accounts.handlers import forget_account
from services.authorizations.deciding.chores import erase_persons
from services.authorizations.tests.conftest import TEST
from services.authorizations.tests.mandating import Practices, practices
from tests.fixtures.gateway import OpenService


@pytest.fixture
async def world(open_service: OpenService) -> Practices:
    return await practices(open_service)


async def allowed(world: Practices, account_id: UUID, organization_id: str, subject: str, level: str = "write") -> bool:
    """Whether an account may do something for an organization now."""
    answer = await world.client.post(
        "/access/v1/evaluation",
        json={
            "subject": {"type": "account", "id": str(account_id)},
            "action": {"name": level},
            "resource": {"type": subject, "id": organization_id},
        },
        headers={"Authorization": f"Bearer {world.opened.issuer.machine('access:evaluate')}"},
    )
    assert answer.status_code == 200, answer.text
    return bool(answer.json()["decision"])


async def test_an_approved_mandate_is_a_right_of_the_delegate_who_may_use_that_service_and_no_other(
    world: Practices,
) -> None:
    last = world.today + timedelta(days=200)
    mandate = await world.approved(ends_on=str(last))
    given, organization_id = mandate["given"], mandate["organization"]["organization_id"]
    assert (mandate["state"], mandate["outcome"], given["in_force"]) == ("decided", "approve", True)
    assert (given["starts_on"], given["ends_on"]) == (str(world.today), str(last))
    delegate = await world.link(UUID(given["contact_id"]))
    assert await allowed(world, delegate.account_id, organization_id, "online_billing")
    assert not await allowed(world, delegate.account_id, organization_id, "account_statements", "read")
    mine = (await world.client.get("/v1/mandates", headers=delegate.headers)).json()["items"]
    assert [row["mandate_id"] for row in mine] == [mandate["mandate_id"]]
    assert [side["email"] is not None for side in mine[0]["sides"]] == [False, True]
    changes = [mail["mandate_change"] for mail in await world.opened.published("MandateChangedMail")]
    assert changes == ["receive"] * 3 + ["approve"] * 3  # the professional at the address of the account too


async def test_the_delegate_of_two_mandates_is_one_contact_who_is_given_one_credential(world: Practices) -> None:
    delegate = {"family_name": "Deux", "given_name": "Services", "email": "deux@example.org", "language": "fr"}
    ids = [
        await world.complete(await world.asked(service=service, delegate=delegate), "deux@example.org")
        for service in ("online_billing", "account_statements")
    ]
    answers = await asyncio.gather(*(world.decide(mandate_id) for mandate_id in ids))
    assert [answer.status_code for answer in answers] == [200, 200]
    given = [(await world.show(mandate_id))["given"] for mandate_id in ids]
    assert given[0]["contact_id"] == given[1]["contact_id"] and given[0]["relation_id"] == given[1]["relation_id"]
    states = [s for s in await world.opened.published("Contact") if s["contact_id"] == given[0]["contact_id"]]
    assert {state["credential"]["generation"] for state in states if state["credential"]} == {1}


@pytest.mark.parametrize("who", ["professional", "delegate"])
async def test_once_a_side_of_a_mandate_is_erased_nothing_says_any_more_where_its_credential_went(
    world: Practices, who: str
) -> None:
    delegate = {"family_name": "Deux", "given_name": "Services", "email": "deux@example.org", "language": "fr"}
    given = (await world.approved(delegate=delegate, email="deux@example.org"))["given"]
    contact_id = UUID(given["contact_id"])
    erased = world.physician if who == "professional" else await world.link(contact_id)
    await world.opened.unit.run(forget_account, erased.account_id, TEST)
    assert await world.opened.unit.pool.fetchval("select count(*) from credentials") == 0
    states = [s for s in await world.opened.published("Contact") if s["contact_id"] == str(contact_id)]
    assert [state["credential"] is None for state in states][-2:] == [False, True]


async def test_two_agents_who_approve_at_once_give_it_once(world: Practices) -> None:
    mandate_id = await world.complete_one()
    answers = await asyncio.gather(world.decide(mandate_id), world.decide(mandate_id))
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    rights = await world.opened.unit.pool.fetchval(
        "select count(*) from rights where request_id = $1", UUID(mandate_id)
    )
    assert rights == 1


async def test_a_mandate_withdrawn_while_it_is_approved_is_one_or_the_other(world: Practices) -> None:
    mandate_id = await world.complete_one()
    approved, withdrawn = await asyncio.gather(
        world.decide(mandate_id), world.act(mandate_id, "withdrawal", world.physician.headers)
    )
    assert sorted([approved.status_code, withdrawn.status_code]) == [200, 409]
    seen = await world.show(mandate_id)
    assert (seen["given"] is None) == (seen["state"] == "withdrawn")


async def test_a_mandate_countersigned_while_it_is_withdrawn_is_withdrawn_and_never_half_of_each(
    world: Practices,
) -> None:
    mandate_id = await world.asked()
    await world.sign(mandate_id, "professional")
    for side in ("professional", "delegate"):
        await world.verify(mandate_id, side, f"{uuid4().hex}@example.org")
    await asyncio.gather(
        world.sign(mandate_id, "delegate"), world.act(mandate_id, "withdrawal", world.physician.headers)
    )
    assert (await world.show(mandate_id))["state"] == "withdrawn"
    events = await world.events()
    assert events.count("RequestWithdrawn") == 1 and events.count("RequestSubmitted") <= 1


async def test_either_side_or_an_agent_revokes_and_the_access_ends_at_once(world: Practices) -> None:
    first, second, third = await world.approved(), await world.approved(), await world.approved()
    delegate = await world.link(UUID(second["given"]["contact_id"]))
    organization_id = second["organization"]["organization_id"]
    assert await allowed(world, delegate.account_id, organization_id, "online_billing")
    for mandate, headers in ((first, world.physician.headers), (second, delegate.headers), (third, world.agent)):
        revoked = await world.act(mandate["mandate_id"], "revocation", headers)
        assert revoked.status_code == 200, revoked.text
        seen = await world.show(mandate["mandate_id"])
        assert seen["revoked_at"] and not seen["given"]["in_force"]
    assert not await allowed(world, delegate.account_id, organization_id, "online_billing")
    again = await world.act(first["mandate_id"], "revocation", world.physician.headers)
    assert again.json()["code"] == "mandate_not_in_force"
    stranger = await world.act(first["mandate_id"], "revocation", world.dentist.headers)
    assert stranger.status_code == 404


async def test_a_delegate_is_offered_the_form_that_revokes_as_long_as_there_is_a_mandate(world: Practices) -> None:
    mandate = await world.approved()
    delegate = await world.link(UUID(mandate["given"]["contact_id"]))

    async def offered() -> list[Any]:
        answer = await world.client.get("/v1/forms", headers=delegate.headers)
        assert answer.status_code == 200, answer.text
        items: list[Any] = answer.json()["items"]
        return items

    [form] = await offered()
    assert form["kind"] == "mandate_revocation"
    listed = await world.client.get(form["about_at"], headers=delegate.headers)
    [revocable] = [item["mandate_id"] for item in listed.json()["items"]]
    method, path = form["sent_to"][0].split()
    assert (method, path) == ("POST", "/v1/mandates/{mandate_id}/revocation")
    assert (await world.act(revocable, "revocation", delegate.headers)).status_code == 200
    left = await world.client.get("/v1/forms", headers=delegate.headers)
    assert left.status_code == 403 or left.json()["items"] == []


async def test_the_function_of_a_delegate_ends_with_the_last_of_their_mandates(world: Practices) -> None:
    delegate = {"family_name": "Deux", "given_name": "Services", "email": "deux@example.org", "language": "fr"}
    one = await world.approved(delegate=delegate, email="deux@example.org")
    other = await world.approved(delegate=delegate, email="deux@example.org", service="account_statements")

    async def ended() -> bool:
        found = await world.opened.unit.pool.fetchval(
            "select ended_at is not null from relations where relation_id = $1 and upper_inf(recorded)",
            UUID(one["given"]["relation_id"]),
        )
        return bool(found)

    await world.act(one["mandate_id"], "revocation", world.physician.headers)
    assert not await ended()
    await world.act(other["mandate_id"], "revocation", world.physician.headers)
    assert await ended()


async def test_a_renewal_takes_the_place_of_the_mandate_and_asks_for_no_new_secret(world: Practices) -> None:
    last = world.today + timedelta(days=30)
    mandate = await world.approved(ends_on=str(last))
    again = await world.ask(world.wanted(delegate=await described(world, mandate["mandate_id"])))
    problem = again.json()["items"][0]["problem"]
    assert (problem["code"], problem["next"]["href"]) == (
        "already_mandated", f"/v1/mandates/{mandate['mandate_id']}/renewal",
    )  # fmt: skip
    renewed = await world.act(mandate["mandate_id"], "renewal", world.physician.headers, language="fr")
    assert renewed.status_code == 201, renewed.text
    renewal_id = renewed.json()["mandate_id"]
    assert renewed.json()["starts_on"] == str(last + timedelta(days=1))
    assert mandate["mandate_id"] in renewed.json()["text"]
    await world.complete(renewal_id)
    assert (await world.decide(renewal_id)).status_code == 200
    given = (await world.show(renewal_id))["given"]
    assert given["contact_id"] == mandate["given"]["contact_id"] and not given["in_force"]
    assert (await world.show(mandate["mandate_id"]))["given"]["in_force"]
    states = [s for s in await world.opened.published("Contact") if s["contact_id"] == given["contact_id"]]
    assert {state["credential"]["generation"] for state in states if state["credential"]} == {1}


async def described(world: Practices, mandate_id: str) -> dict[str, str]:
    """The delegate of a mandate, as the professional described one."""
    seen = (await world.client.get(f"/v1/requests/{mandate_id}", headers=world.agent)).json()
    person = seen["asked"]["person"]
    return {name: person[name] for name in ("family_name", "given_name", "email", "language")}


async def test_a_renewal_from_today_on_ends_the_mandate_that_it_renews(world: Practices) -> None:
    mandate = await world.approved()
    renewed = await world.act(
        mandate["mandate_id"], "renewal", world.physician.headers, language="fr", starts_on=str(world.today),
        ends_on=str(world.today + timedelta(days=30)),
    )  # fmt: skip
    await world.complete(renewed.json()["mandate_id"])
    assert (await world.decide(renewed.json()["mandate_id"])).status_code == 200
    assert (await world.show(renewed.json()["mandate_id"]))["given"]["in_force"]
    assert not (await world.show(mandate["mandate_id"]))["given"]["in_force"]


async def test_a_mandate_without_end_is_not_renewed_for_its_twin_and_may_be_given_an_end(world: Practices) -> None:
    mandate = await world.approved()
    href = f"/v1/mandates/{mandate['mandate_id']}"
    again = await world.ask(world.wanted(delegate=await described(world, mandate["mandate_id"])))
    problem = again.json()["items"][0]["problem"]
    assert (problem["code"], problem["next"]["href"]) == ("mandate_without_end", href)
    for starts_on in ({}, {"starts_on": str(world.today + timedelta(days=1))}):
        twin = await world.act(
            mandate["mandate_id"], "renewal", world.physician.headers, language="fr", **starts_on
        )  # fmt: skip
        assert (twin.status_code, twin.json()["code"], twin.json()["next"]["href"]) == (
            409, "mandate_without_end", href,
        )  # fmt: skip
    ends_on = str(world.today + timedelta(days=30))
    renewed = await world.act(
        mandate["mandate_id"], "renewal", world.physician.headers, language="fr", ends_on=ends_on
    )  # fmt: skip
    assert (renewed.status_code, renewed.json()["starts_on"]) == (201, str(world.today)), renewed.text


@pytest.mark.parametrize("end", ["revoked", "ended", "taken", "past"])
async def test_what_is_in_force_no_more_is_not_renewed(world: Practices, end: str) -> None:
    mandate = await world.approved(ends_on=str(world.today + timedelta(days=30)))
    given, pool = mandate["given"], world.opened.unit.pool
    if end == "revoked":
        assert (await world.act(mandate["mandate_id"], "revocation", world.agent)).status_code == 200
    elif end == "taken":
        removed = await world.client.post(
            f"/v1/contacts/{given['contact_id']}/removals",
            json={"scope": "subjects", "attestations": [],
                  "subjects": [{"relation_id": given["relation_id"], "subject": "online_billing"}]},
            headers=world.physician.headers,
        )  # fmt: skip
        assert removed.status_code == 200, removed.text
    elif end == "ended":
        await pool.execute("update relations set ended_at = now() where relation_id = $1", UUID(given["relation_id"]))
    else:
        for table in ("relations", "rights"):
            await pool.execute(
                f"update {table} set valid = daterange('2026-01-01', current_date - 2) where relation_id = $1",
                UUID(given["relation_id"]),
            )
    refused = await world.act(mandate["mandate_id"], "renewal", world.physician.headers, language="fr")
    assert (refused.status_code, refused.json()["code"]) == (409, "mandate_not_in_force")
    assert await pool.fetchval("select count(*) from mandates") == 1


async def test_a_mandate_that_was_never_approved_is_not_renewed(world: Practices) -> None:
    waiting = await world.complete_one()
    refused = await world.act(waiting, "renewal", world.physician.headers, language="fr")
    assert (refused.status_code, refused.json()["code"]) == (409, "mandate_not_in_force")


async def test_what_agents_return_is_corrected_and_both_sides_sign_anew(world: Practices) -> None:
    mandate_id = await world.complete_one()
    unexplained = await world.decide(mandate_id, "return")
    assert unexplained.json()["code"] == "decision_reason_missing"
    assert (await world.decide(mandate_id, "return", reason="mandate_to_correct")).status_code == 200
    seen = await world.client.get(f"/v1/mandates/{mandate_id}", headers=world.physician.headers)
    assert seen.json()["decision_reason_name"] == "Le mandat est à corriger, puis à signer de nouveau."
    body = world.wanted(role="billing_clerk", delegate=await described(world, mandate_id))
    other_id = await world.asked()
    taken = world.wanted(delegate=await described(world, other_id))
    headers = world.physician.headers | {"If-Match": seen.headers["etag"]}
    twice = await world.client.post(f"/v1/mandates/{mandate_id}/correction", json=taken, headers=headers)
    assert twice.json()["code"] == "mandate_waiting"
    corrected = await world.client.post(
        f"/v1/mandates/{mandate_id}/correction",
        json=body,
        headers=world.physician.headers | {"If-Match": seen.headers["etag"]},
    )
    assert corrected.status_code == 200, corrected.text
    assert (corrected.json()["state"], corrected.json()["text_version"]) == ("signing", 2)
    assert [side["signed_at"] for side in corrected.json()["sides"]] == [None, None]
    assert [side["address_state"] for side in corrected.json()["sides"]] == ["verified", "verified"]
    assert not await world.sign(mandate_id, "professional")
    assert await world.sign(mandate_id, "delegate")
    assert (await world.decide(mandate_id)).status_code == 200
    assert (await world.show(mandate_id))["role"]["type"] == "billing_clerk"


async def test_a_refusal_says_why_to_both_sides_and_gives_nothing(world: Practices) -> None:
    mandate_id = await world.complete_one()
    assert (await world.decide(mandate_id, "reject", reason="delegate_not_entitled")).status_code == 200
    seen = await world.show(mandate_id)
    assert (seen["state"], seen["outcome"], seen["given"]) == ("decided", "reject", None)
    told = [m for m in await world.opened.published("MandateChangedMail") if m["mandate_change"] == "reject"]
    assert [mail["decision_reason"] for mail in told] == ["delegate_not_entitled"] * 3


async def test_the_day_that_is_processed_now_is_that_of_the_oldest_mandate_that_waits(world: Practices) -> None:
    async def day() -> str:
        answer = await world.client.get("/v1/processing-date")
        assert answer.status_code == 200, answer.text
        return str(answer.json()["date"])

    assert await day() == str(world.today)
    mandate_id = await world.complete_one()
    received = datetime.combine(world.today - timedelta(days=3), time(12), world.opened.tools.time_zone)
    await world.opened.unit.pool.execute(
        "update requests set received_at = $2 where request_id = $1", UUID(mandate_id), received
    )
    assert await day() == str(received.date())
    await world.decide(mandate_id)
    assert await day() == str(world.today)


async def test_a_mandate_of_somebody_who_left_the_profession_is_not_approved(world: Practices) -> None:
    mandate_id = await world.complete_one()
    await world.opened.unit.pool.execute(
        "update relations set ended_at = now() where holder_id = $1", world.physician.contact_id
    )
    refused = await world.decide(mandate_id)
    assert (refused.status_code, refused.json()["code"]) == (409, "mandate_not_upheld")


async def test_who_the_sides_of_a_mandate_are_stays_as_long_as_it_is_in_force(world: Practices) -> None:
    mandate = await world.approved()
    pool, mandate_id = world.opened.unit.pool, UUID(mandate["mandate_id"])
    await pool.execute("update requests set settled_at = settled_at - interval '2 years'")
    await erase_persons(world.opened.unit)
    assert all(side["name"] for side in (await world.show(str(mandate_id)))["sides"])
    before = await pool.fetchval("select count(*) from personal_fields")
    await world.act(str(mandate_id), "revocation", world.agent)
    await erase_persons(world.opened.unit)
    assert await pool.fetchval("select count(*) from personal_fields") == before - 3


async def test_renewals_and_corrections_write_to_one_mailbox_no_more_often_than_new_mandates(world: Practices) -> None:
    delegate = {"family_name": "Sollicitée", "given_name": "Démo", "email": "sollicitee@example.org"}
    last = world.today + timedelta(days=30)
    old = await world.approved(delegate=delegate, email=delegate["email"], ends_on=str(last))
    returned = await world.complete_one(delegate=delegate, email=delegate["email"], service="account_statements")
    assert (await world.decide(returned, "return", reason="mandate_to_correct")).status_code == 200
    budget = world.opened.tools.agency.limits.attempts["mails_per_mailbox_from_one_organization"]
    renewed = 0
    while (answer := await world.act(old["mandate_id"], "renewal", world.physician.headers, language="fr")).is_success:
        renewed += 1
        assert renewed < budget.count, "nothing counts these mails"
        await world.act(answer.json()["mandate_id"], "withdrawal", world.physician.headers)
    assert (answer.status_code, answer.json()["code"], renewed) == (429, "too_many_mails", budget.count - 2)

    seen = await world.client.get(f"/v1/mandates/{returned}", headers=world.physician.headers)
    headers = world.physician.headers | {"If-Match": seen.headers["etag"]}
    body = world.wanted(delegate=delegate, service="account_statements")
    corrected = await world.act(returned, "correction", headers, **body)
    assert (corrected.status_code, corrected.json()["code"]) == (429, "too_many_mails")
    assert ((await world.show(returned))["state"], seen.json()["text_version"]) == ("returned", 1)


async def test_a_stranger_who_is_refused_stands_in_the_audit_of_their_own_organization(world: Practices) -> None:
    mandate = await world.approved()
    refused = await world.act(mandate["mandate_id"], "revocation", world.dentist.headers)
    assert refused.status_code == 404
    noted = await world.opened.unit.pool.fetch("select organization_id from audit where action = 'refused'")
    theirs = await world.opened.unit.pool.fetchval(
        "select organization_id from contacts where contact_id = $1", world.dentist.contact_id
    )
    assert [row["organization_id"] for row in noted] == [theirs]
