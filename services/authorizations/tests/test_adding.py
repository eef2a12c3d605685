"""The form "Ajouter une relation": who is added at once, whom an agent looks at first, and who is a contact already."""

import asyncio
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from services.authorizations.reviews.chores import compare_added
from services.authorizations.tests.asking import Sides, sides
from services.authorizations.tests.conftest import Firm
from services.authorizations.tests.employers import an_employer
from tests.fixtures.gateway import OpenService

ZOE = {
    "family_name": "Démonstration", "given_name": "Zoé", "email": "zoe.demonstration@example.org", "language": "fr",
    "telephones": [{"kind": "mobile", "number": "+15145550177"}],
}  # fmt: skip


@pytest.fixture
async def two(firm: Firm, tmp_path: Path) -> Sides:
    return await sides(firm, tmp_path)


async def _count(firm: Firm) -> int:
    return int(await firm.opened.unit.pool.fetchval("select count(*) from contacts"))


async def _known(firm: Firm) -> UUID:
    """Zoé is a contact of the firm."""
    added = await firm.add_member(contact=ZOE)
    assert added.status_code == 201, added.text
    return UUID(added.json()["contact_id"])


async def _asked(firm: Firm, answer: httpx.Response) -> dict[str, Any]:
    """What an agent sees of the request that came of an addition."""
    assert answer.status_code == 202, answer.text
    opened = await firm.client.get(
        f"/v1/requests/{answer.json()['request_id']}", headers=firm.agent | {"Accept-Language": "en"}
    )
    asked: dict[str, Any] = opened.json()["asked"]
    return asked


async def test_a_stranger_is_added_at_once_and_the_form_says_that_coordinates_are_on_their_way(firm: Firm) -> None:
    added = await firm.add_member(contact=ZOE)
    assert added.status_code == 201
    assert added.json()["message"].startswith("Le contact est ajouté.")
    english = await firm.add_member(headers=firm.responsible.headers | {"Accept-Language": "en"})
    assert english.json()["message"].startswith("The contact has been added.")


async def test_where_nobody_is_linked_by_coordinates_no_code_is_asked_for(
    open_service: OpenService, tmp_path: Path
) -> None:
    employer = await an_employer(open_service, tmp_path)
    added = await employer.at.client.post(
        f"/v1/organizations/{employer.organization_id}/contacts",
        json={
            "contact": employer.at.stranger(),
            "type": "worker",
            "subjects": [{"subject": "payments", "level": "write"}],
            "attestations": await employer.at.attestations("addition"),
        },
        headers=employer.administrator.headers,
    )
    assert added.status_code == 201, added.text
    state = (await employer.at.opened.published("Contact"))[-1]
    assert (state["contact_id"], state["linking_code_generation"]) == (added.json()["contact_id"], 0)


@pytest.mark.parametrize(
    "change",
    [
        {"family_name": "demonstration", "given_name": "ZOE", "email": "autre@example.org", "telephones": []},
        {"family_name": "Zoé", "given_name": "Démonstration"},
        {"family_name": "Démonstrasion"},
        {"given_name": "Zoée", "email": "zoe@ailleurs.example"},
    ],
    ids=["names without accents", "swapped", "typing error in the name", "another address, same telephone"],
)
async def test_somebody_who_looks_like_a_contact_goes_to_an_agent(firm: Firm, change: dict[str, Any]) -> None:
    known, before = await _known(firm), await _count(firm)

    answer = await firm.add_member(contact=ZOE | change)

    asked = await _asked(firm, answer)
    assert await _count(firm) == before
    assert answer.json()["lapses_on"] in answer.json()["message"]
    assert answer.json()["message"].startswith("Un agent vérifie d’abord")
    assert answer.headers["location"] == f"/v1/requests/{answer.json()['request_id']}"
    assert [candidate["contact_id"] for candidate in asked["candidates"]] == [str(known)]
    assert asked["candidates"][0]["same_organization"] and asked["candidates"][0]["score"] >= 9.5


async def test_an_agent_reads_which_fields_agree(firm: Firm) -> None:
    await _known(firm)
    asked = await _asked(firm, await firm.add_member(contact=ZOE | {"family_name": "Démonstrasion"}))
    agreeing = {row["field"]: (row["name"], row["agreement_name"]) for row in asked["candidates"][0]["agreeing"]}
    assert agreeing == {
        "family_name": ("Family name", "similar"), "given_name": ("Given name", "equal"),
        "email": ("E-mail", "equal"), "telephones": ("Telephones", "equal"),
    }  # fmt: skip


ELSEWHERE = ZOE | {"family_name": "Cliente-Neuf", "given_name": "Démo", "email": "responsable@charpentes.example"}
"""As the employer's file describes its responsible person."""


async def _compared(firm: Firm) -> list[dict[str, Any]]:
    """What agents have to look at, once a worker has compared those who were added."""
    await compare_added(firm.opened.unit)
    items: list[dict[str, Any]] = (await firm.client.get("/v1/requests", headers=firm.agent)).json()["items"]
    return items


async def test_who_is_known_elsewhere_is_added_like_a_stranger_and_nothing_tells_who_added_them(two: Sides) -> None:
    """The same answer, the same rows; then an agent sees whom the contact looks like, and the manager sees nothing."""
    firm, grown = two.firm, []
    answers = []
    for contact in (firm.stranger(), ELSEWHERE):
        tables = ("contacts", "requests", "contacts_to_compare", "outbox", "audit")
        rows = {table: await firm.opened.unit.pool.fetchval(f"select count(*) from {table}") for table in tables}
        answers.append(await firm.add_member(contact=contact))
        grown.append({t: await firm.opened.unit.pool.fetchval(f"select count(*) from {t}") - rows[t] for t in tables})
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json().keys() == answers[1].json().keys() and grown[0] == grown[1]
    assert answers[0].json()["message"] == answers[1].json()["message"]

    (review,) = await _compared(firm)
    assert (review["reason"], review["asked"]["contact_id"]) == ("known_elsewhere", answers[1].json()["contact_id"])
    (candidate,) = review["asked"]["candidates"]
    assert (candidate["contact_id"], candidate["same_organization"]) == (str(two.employer.contact_id), False)
    headers = firm.responsible.headers
    assert (await two.show(review["request_id"], headers)).status_code == 404
    listed = await firm.client.get(f"/v1/organizations/{firm.firm_id}/requests", headers=headers)
    assert listed.json()["total"] == 0
    assert await _compared(firm) == [review]  # once


async def test_an_agent_who_recognizes_the_person_gives_the_contact_the_known_number_and_new_coordinates(
    two: Sides,
) -> None:
    firm = two.firm
    added = UUID((await firm.add_member(contact=ELSEWHERE)).json()["contact_id"])
    (review,) = await _compared(firm)
    candidate = review["asked"]["candidates"][0]["contact_id"]
    someone_else = await two.decide(review["request_id"], firm.agent, "merge", contact_id=str(added))
    assert someone_else.json()["code"] == "candidate_required"
    merged = await two.decide(review["request_id"], firm.agent, "merge", contact_id=candidate)
    assert merged.status_code == 200, merged.text
    states = [s for s in await firm.opened.published("Contact") if s["contact_id"] == str(added)]
    assert (states[-1]["client_number"], states[-1]["linking_code_generation"]) == ("3000009", 2)
    assert len(await firm.opened.published("RequestDecidedMail")) == 1  # to those who manage the firm


async def test_an_agent_who_sees_another_person_changes_nothing_and_tells_nobody(two: Sides) -> None:
    firm = two.firm
    added = (await firm.add_member(contact=ELSEWHERE)).json()
    (review,) = await _compared(firm)
    rejected = await two.decide(review["request_id"], firm.agent, "reject", reason="another_person")
    assert rejected.status_code == 200
    states = [s for s in await firm.opened.published("Contact") if s["contact_id"] == added["contact_id"]]
    assert len(states) == 1
    assert await firm.opened.published("RequestDecidedMail") == []


async def test_a_person_linked_meanwhile_is_sent_no_code_when_recognized(two: Sides) -> None:
    firm = two.firm
    added = await firm.link(UUID((await firm.add_member(contact=ELSEWHERE)).json()["contact_id"]))
    (review,) = await _compared(firm)
    candidate = review["asked"]["candidates"][0]["contact_id"]
    merged = await two.decide(review["request_id"], firm.agent, "merge", contact_id=candidate)
    assert merged.status_code == 200
    states = [s for s in await firm.opened.published("Contact") if s["contact_id"] == str(added.contact_id)]
    assert (states[-1]["client_number"], states[-1]["linking_code_generation"]) == ("3000009", 1)


async def test_of_three_workers_that_compare_at_once_one_asks(two: Sides) -> None:
    await two.firm.add_member(contact=ELSEWHERE)
    await asyncio.gather(*[compare_added(two.firm.opened.unit) for _ in range(3)])
    assert len(await _compared(two.firm)) == 1


async def test_the_request_of_one_who_is_known_at_home_shows_whoever_asked_no_candidate(two: Sides) -> None:
    own = await two.firm.add_member(contact=ZOE | {"family_name": "Responsable", "given_name": "Démo"})
    assert own.status_code == 202
    opened = await two.show(own.json()["request_id"], two.firm.responsible.headers)
    assert opened.json()["asked"]["candidates"] == []


async def test_a_person_with_a_client_number_is_for_an_agent_to_validate(firm: Firm) -> None:
    before = await _count(firm)
    answer = await firm.add_member(contact=ZOE, client_number="3900001")
    asked = await _asked(firm, answer)
    assert (asked["client_number"], asked["candidates"]) == ("3900001", [])
    assert await _count(firm) == before
    request = await firm.client.get(f"/v1/requests/{answer.json()['request_id']}", headers=firm.agent)
    decided = await firm.client.post(
        f"/v1/requests/{answer.json()['request_id']}/decision",
        json={"outcome": "approve"}, headers=firm.agent | {"If-Match": request.headers["etag"]},
    )  # fmt: skip
    assert decided.status_code == 200
    assert await firm.contact("3900001")


async def test_whoever_has_the_client_number_elsewhere_is_shown_to_the_agent(firm: Firm) -> None:
    """Also when little else agrees: the number may be mistyped, or the person may have another name now."""
    asked = await _asked(firm, await firm.add_member(contact=ZOE, client_number="3000003"))
    (candidate,) = asked["candidates"]
    assert candidate["contact_id"] == str(await firm.contact("3000003"))
    assert candidate["agreeing"][0]["name"] == "Client number" and candidate["score"] < 0


@pytest.mark.parametrize("change", [{}, {"family_name": "DEMONSTRATION", "email": "Verifiee@example.org"}])
async def test_a_linked_contact_with_the_same_names_and_address_is_refused_as_one(
    firm: Firm, change: dict[str, Any]
) -> None:
    linked = await firm.link(await _known(firm))
    await firm.opened.unit.pool.execute(
        "update personal_fields set email = $2 where owner_id = $1",
        linked.account_id, change.get("email", ZOE["email"]).lower(),
    )  # fmt: skip
    refused = await firm.add_member(contact=ZOE | change)
    assert (refused.status_code, refused.json()["code"]) == (409, "already_a_contact")
    assert refused.json()["next"]["href"] == f"/v1/contacts/{linked.contact_id}/relations"


async def test_a_client_number_of_the_same_organization_is_refused_as_a_contact(firm: Firm) -> None:
    refused = await firm.add_member(contact=ZOE, client_number="3000002")
    assert (refused.status_code, refused.json()["code"]) == (409, "already_a_contact")


async def test_a_mailbox_that_two_share_is_for_an_agent_while_nobody_has_verified_it(firm: Firm) -> None:
    await _known(firm)
    assert (await firm.add_member(contact=ZOE)).status_code == 202


async def test_what_was_attested_is_kept_with_the_request(firm: Firm) -> None:
    answer = await firm.add_member(contact=ZOE, client_number="3900001")
    kept = await firm.opened.unit.pool.fetchval(
        "select count(*) from attestations where object_id = $1", UUID(answer.json()["request_id"])
    )
    assert kept == len(await firm.attestations("addition"))


async def test_the_same_form_twice_with_one_key_asks_once(firm: Firm) -> None:
    headers = firm.responsible.headers | {"Idempotency-Key": str(uuid4())}
    answers = [await firm.add_member(headers=headers, contact=ZOE, client_number="3900001") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [202, 202]
    assert answers[0].json() == answers[1].json()


@pytest.mark.parametrize("number", ["", "12", "3000001 ", "abcdefg", "1234567890123"])
async def test_a_client_number_that_none_could_be_is_refused(firm: Firm, number: str) -> None:
    refused = await firm.add_member(client_number=number)
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_request")
