"""The form "Ajouter une relation": who is added at once, whom an agent looks at first, and who is a contact already."""

from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from services.authorizations.tests.asking import Sides, sides
from services.authorizations.tests.conftest import Firm

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


async def test_what_the_manager_is_told_is_the_same_for_a_contact_of_somebody_else(two: Sides) -> None:
    """Nothing says whether, where or whom one knows: not in the answer, nor in the request that the manager opens."""
    firm = two.firm
    own = await firm.add_member(contact=ZOE | {"family_name": "Responsable", "given_name": "Démo"})
    others = await firm.add_member(
        contact=ZOE | {"family_name": "Cliente-Neuf", "given_name": "Démo", "email": "responsable@charpentes.example"}
    )
    assert (own.status_code, others.status_code) == (202, 202)
    assert own.json().keys() == others.json().keys()
    assert own.json()["message"] == others.json()["message"]
    stranger = str(two.employer.contact_id)
    (candidate,) = (await _asked(firm, others))["candidates"]
    assert (candidate["contact_id"], candidate["same_organization"]) == (stranger, False)
    opened = await two.show(others.json()["request_id"], firm.responsible.headers)
    assert opened.json()["asked"]["candidates"] == [] and stranger not in opened.text + others.text


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
