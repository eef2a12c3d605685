"""Asking for mandates: who may, for what and for how long; what waits to be signed; when agents have it."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from services.authorizations.deciding.chores import lapse_overdue, remind_deciders
from services.authorizations.signatures.domain import text_digest
from services.authorizations.tests.mandating import ANSWERS, Practices, practices
from tests.fixtures.gateway import OpenService


@pytest.fixture
async def world(open_service: OpenService) -> Practices:
    return await practices(open_service)


async def problems(world: Practices, *wanted: dict[str, Any], **changes: Any) -> list[str | None]:
    """The codes of the reasons why each was refused; None where it was not."""
    answer = await world.ask(*wanted, **changes)
    assert answer.status_code == 201, answer.text
    return [item["problem"] and item["problem"]["code"] for item in answer.json()["items"]]


async def test_each_of_a_list_is_accepted_or_refused_on_its_own_with_the_reason_in_words(world: Practices) -> None:
    answer = await world.ask(
        world.wanted(),
        world.wanted(service="exception_drugs", role="administrative_staff"),
        world.wanted(service="exception_drugs", role="clinical_staff"),
    )
    assert answer.status_code == 201, answer.text
    first, refused, third = answer.json()["items"]
    assert first["mandate_id"] and third["mandate_id"] and refused["mandate_id"] is None
    assert (refused["problem"]["code"], refused["problem"]["fields"]) == ("mandate_role_ineligible", ["role"])
    assert "Membre du personnel clinique" in refused["problem"]["detail"]
    assert first["digest"] == text_digest(first["text"]) and answer.json()["digest"] == text_digest(
        f"{first['digest']}\n{third['digest']}"
    )


async def test_only_eligible_professions_mandate_and_nobody_mandates_themselves(world: Practices) -> None:
    register = world.wanted(service="patient_registration")
    assert await problems(world, register) == [None]
    dentists = world.wanted(service="patient_registration")
    assert await problems(world, dentists, by=world.dentist) == ["mandate_profession_ineligible"]
    own = f"{world.physician.account_id.hex.upper()}@example.org"
    assert await problems(world, world.wanted(delegate={"email": own})) == ["mandate_to_oneself"]
    assert await problems(world, world.wanted(service="professional_file")) == ["mandate_service_unknown"]


async def test_a_mandate_lasts_no_longer_than_its_service_allows(world: Practices) -> None:
    yearly = {"service": "exception_drugs", "role": "clinical_staff"}
    last, too_late = world.today + timedelta(days=365), world.today + timedelta(days=366)
    past = world.wanted(ends_on=str(world.today - timedelta(days=1)))
    longer = world.wanted(**yearly, ends_on=str(too_late))
    assert await problems(world, past, longer) == ["dates_refused", "mandate_too_long"]
    assert (await world.show(await world.asked(**yearly)))["ends_on"] == str(last)
    assert (await world.show(await world.asked()))["ends_on"] == "9999-12-31"


async def test_answers_that_lead_elsewhere_ask_for_nothing_and_those_that_lead_here_stay(world: Practices) -> None:
    wanted = world.wanted()
    to_addresses = {question: answer for question, answer in ANSWERS.items() if question != "how_to_sign"}
    shared = await world.ask(wanted, answers=to_addresses | {"addresses": "shared"})
    assert (shared.status_code, shared.json()["code"]) == (422, "questionnaire_leaves")
    stray = await world.ask(wanted, answers={"who_asks": "professional"})
    assert (stray.status_code, stray.json()["code"]) == (422, "questionnaire_astray")
    other = await world.ask(wanted, questionnaire="another")
    assert other.json()["code"] == "questionnaire_unknown"
    assert await world.opened.unit.pool.fetchval("select count(*) from mandates") == 0
    mandate_id = await world.asked()
    seen = (await world.client.get(f"/v1/requests/{mandate_id}", headers=world.agent)).json()
    assert seen["asked"]["mandate"]["answers"] == ANSWERS
    assert seen["kind_name"] == "Mandat" and seen["state"] == "signing" and seen["received_at"] is None


async def test_the_same_key_answers_the_same_list_and_makes_nothing_new(world: Practices) -> None:
    wanted = [world.wanted(), world.wanted(role="clinical_staff")]
    first = await world.ask(*wanted, key="k-1")
    again = await world.ask(*wanted, key="k-1")
    assert again.status_code == 201 and again.json() == first.json()
    assert await world.opened.unit.pool.fetchval("select count(*) from mandates") == 1
    assert (await world.ask(world.wanted(), key="k-1")).json()["code"] == "idempotency_key_reused"


async def test_nobody_is_asked_for_twice_for_one_service(world: Practices) -> None:
    wanted = world.wanted()
    another = wanted | {"service": "account_statements"}
    assert await problems(world, wanted, wanted, another) == [None, "mandate_waiting", None]
    accented = wanted | {"delegate": wanted["delegate"] | {"given_name": "DEMO"}}
    assert await problems(world, accented) == ["mandate_waiting"]


async def test_agents_have_a_mandate_once_both_have_signed_its_text_and_both_addresses_are_verified(
    world: Practices,
) -> None:
    mandate_id = await world.asked()
    assert not await world.sign(mandate_id, "professional")
    assert not await world.verify(mandate_id, "delegate", "adjointe@example.org")
    assert not await world.sign(mandate_id, "delegate")
    queue = await world.client.get("/v1/requests?kind=mandate", headers=world.agent)
    assert queue.json()["items"] == [] and "RequestSubmitted" not in await world.events()
    undecidable = await world.decide(mandate_id, "reject", reason="mandate_not_confirmed")
    assert undecidable.json()["code"] == "request_not_pending"
    assert await world.verify(mandate_id, "professional", "medecin@example.org")
    queue = await world.client.get("/v1/requests?kind=mandate", headers=world.agent)
    [waiting] = queue.json()["items"]
    assert (waiting["request_id"], waiting["state"]) == (mandate_id, "submitted") and waiting["received_at"]
    events = await world.events()
    assert [name for name in events if name.startswith("Request")] == [
        "RequestSigned", "RequestSigned", "RequestSubmitted",
    ]  # fmt: skip


async def test_the_queue_is_in_the_order_in_which_mandates_were_received_not_asked_for(world: Practices) -> None:
    early, late = await world.asked(), await world.asked()
    await world.complete(late)
    await world.complete(early)
    queue = await world.client.get("/v1/requests?kind=mandate&limit=1", headers=world.agent)
    assert [row["request_id"] for row in queue.json()["items"]] == [late]
    rest = await world.client.get(
        "/v1/requests", params={"kind": "mandate", "cursor": queue.json()["next_cursor"]}, headers=world.agent
    )
    assert [row["request_id"] for row in rest.json()["items"]] == [early]


async def test_a_mandate_that_nobody_countersigns_lapses_and_can_be_asked_for_again(world: Practices) -> None:
    mandate_id = await world.asked()
    await world.sign(mandate_id, "professional")
    await world.verify(mandate_id, "professional", "medecin@example.org")
    await world.verify(mandate_id, "delegate", "adjointe@example.org")
    assert (await world.show(mandate_id))["lapses_on"] == str(world.today + timedelta(days=30))
    await world.forget_days(mandate_id, 31)
    assert (await world.show(mandate_id))["state"] == "lapsed"
    await lapse_overdue(world.opened.unit)
    assert "RequestLapsed" in await world.events()
    assert not await world.sign(mandate_id, "delegate")
    assert (await world.show(mandate_id))["state"] == "lapsed"
    await world.asked()


async def test_who_asked_withdraws_before_agents_decide_and_others_see_nothing(world: Practices) -> None:
    mandate_id = await world.complete_one()
    stranger = await world.client.get(f"/v1/mandates/{mandate_id}", headers=world.dentist.headers)
    assert stranger.status_code == 404
    listed = await world.client.get("/v1/mandates", headers=world.dentist.headers)
    assert listed.json()["items"] == []
    withdrawn = await world.act(mandate_id, "withdrawal", world.physician.headers)
    assert (withdrawn.status_code, withdrawn.json()["state"]) == (200, "withdrawn"), withdrawn.text
    assert (await world.decide(mandate_id)).json()["code"] == "request_not_pending"
    [mine] = (await world.client.get("/v1/mandates", headers=world.physician.headers)).json()["items"]
    assert (mine["mandate_id"], mine["state"]) == (mandate_id, "withdrawn")
    agents = await world.client.get("/v1/mandates?state=withdrawn", headers=world.agent)
    assert [row["mandate_id"] for row in agents.json()["items"]] == [mandate_id]
    looked = await world.opened.unit.pool.fetch("select actor_kind, detail from audit where action = 'queue_viewed'")
    assert [(row["actor_kind"], row["detail"]) for row in looked] == [("agent", {"requests": [mandate_id]})]


async def test_an_unknown_mandate_is_nobodys(world: Practices) -> None:
    answer = await world.client.get(f"/v1/mandates/{uuid4()}", headers=world.agent)
    assert answer.status_code == 404


async def test_whoever_has_not_signed_is_reminded_on_the_days_of_the_data_once_each(world: Practices) -> None:
    mandate_id = await world.asked()
    await world.forget_days(mandate_id, 16)
    for _ in range(2):
        await remind_deciders(world.opened.unit)
    assert len(await world.opened.published("MandateUnsignedMail")) == 1
    assert await world.opened.published("MandateToSignMail") == []
    await world.sign(mandate_id, "professional")
    await world.forget_days(mandate_id, 11)
    for _ in range(2):
        await remind_deciders(world.opened.unit)
    assert len(await world.opened.published("MandateUnsignedMail")) == 2
    assert len(await world.opened.published("MandateToSignMail")) == 1


async def test_to_a_mandate_that_has_ended_no_mail_leads_any_more(world: Practices) -> None:
    mandate_id = await world.asked()
    await world.sign(mandate_id, "professional")
    await world.forget_days(mandate_id, 16)
    await remind_deciders(world.opened.unit)
    assert await world.opened.unit.pool.fetchval("select count(*) from request_tokens") == 1
    await world.act(mandate_id, "withdrawal", world.physician.headers)
    assert await world.opened.unit.pool.fetchval("select count(*) from request_tokens") == 0
