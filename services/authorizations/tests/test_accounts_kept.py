"""A delegate who signs while signed in keeps that account: no second one, no second password, and nobody else's."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from contracts.accounts import Person
from contracts.linking import ProfileLinked
from services.authorizations.accounts.handlers import follow_account
from services.authorizations.bindings.handlers import follow_link
from services.authorizations.personal.domain import Personal
from services.authorizations.tests.conftest import TEST
from services.authorizations.tests.practices import Practice, a_practice
from tests.fixtures.gateway import OpenService

OTHER_MAILBOX = "autre.boite@example.org"


@pytest.fixture
async def practice(open_service: OpenService, keyring_folder: Path) -> Practice:
    return await a_practice(open_service, keyring_folder)


async def account(practice: Practice, family_name: str = "Déléguée", *, linked: bool = True) -> UUID:
    """An account of a person with another mailbox than any that the mandate knows; a delegate elsewhere once."""
    person = Person(
        account_id=uuid7(), version=1, status="active", status_since=datetime.now(UTC) - timedelta(days=1), epoch=0,
        email=OTHER_MAILBOX, given_name="Démo", family_name=family_name, language="fr",
    )  # fmt: skip
    await practice.at.opened.unit.run(follow_account, person, TEST)
    if linked:
        contact_id = await practice.at.contact("1400001")
        organization_id = await practice.pool.fetchval(
            "select organization_id from contacts where contact_id = $1", contact_id
        )
        link = ProfileLinked(
            link_id=uuid7(), account_id=person.account_id, contact_id=contact_id, organization_id=organization_id,
            method="credential", linked_at=person.status_since,
        )  # fmt: skip
        await practice.at.opened.unit.run(follow_link, link, TEST)
    return person.account_id


def signed_in(practice: Practice, account_id: UUID) -> dict[str, str]:
    return {"Authorization": f"Bearer {practice.at.opened.issuer.person(account_id)}", "Accept-Language": "fr"}


async def countersigned(practice: Practice, account_id: UUID) -> UUID:
    """A mandate that both have signed, the delegate signed in, with an address that is not the account's."""
    mandate_id = await practice.mandate()
    assert (await practice.sign(mandate_id)).status_code == 201
    [*_, token] = await practice.tokens()
    answer = await practice.countersign(mandate_id, token, signed_in(practice, account_id))
    assert (answer.status_code, answer.json().get("state")) == (201, "submitted"), answer.text
    return mandate_id


async def decide(practice: Practice, mandate_id: UUID) -> tuple[int, str]:
    seen = await practice.client.get(f"/v1/requests/{mandate_id}", headers=practice.at.agent)
    answer = await practice.client.post(
        f"/v1/requests/{mandate_id}/decision", json={"outcome": "approve"},
        headers=practice.at.agent | {"If-Match": seen.headers["etag"]},
    )  # fmt: skip
    return answer.status_code, answer.json().get("code", "")


async def given(practice: Practice, mandate_id: UUID) -> UUID:
    found: UUID = await practice.pool.fetchval("select contact_id from mandates where request_id = $1", mandate_id)
    return found


async def test_an_approval_gives_the_account_that_signed_and_makes_no_second_credential(practice: Practice) -> None:
    account_id = await account(practice)
    mandate_id = await countersigned(practice, account_id)
    kept = await practice.pool.fetch(
        "select s.account_id from signatures s where request_id = $1 and side = 'delegate' union all"
        " select account_id from mandate_sides where request_id = $1 and side = 'delegate'",
        mandate_id,
    )
    assert [row["account_id"] for row in kept] == [account_id] * 2

    assert await decide(practice, mandate_id) == (200, "")

    contact_id = await given(practice, mandate_id)
    states = [s for s in await practice.at.opened.published("Contact") if s["contact_id"] == str(contact_id)]
    assert states and all(state["credential"] is None for state in states)
    assert (states[-1]["binding"]["account_id"], states[-1]["binding"]["method"]) == (str(account_id), "credential")
    mine = await practice.client.get(
        f"/v1/mandates/{mandate_id}",
        headers=signed_in(practice, account_id) | {"Mandat-Profile": str(contact_id)},
    )
    assert mine.json()["given"]["in_force"] is True
    told = [mail["mandate_change"] for mail in await practice.at.opened.published("MandateChangedMail")]
    assert told == ["receive", "receive", "approve", "approve"]


async def test_the_contact_that_nobody_was_yet_becomes_the_account_that_signed(practice: Practice) -> None:
    contact_id = await practice.at.contact("1300001")
    organization_id = await practice.pool.fetchval(
        "update contacts set organization_id = $2 where contact_id = $1 returning organization_id",
        contact_id, practice.organization_id,
    )  # fmt: skip
    assert organization_id == practice.organization_id
    await practice.pool.execute(
        "update personal_fields set family_name = 'Déléguée', given_name = 'Démo', email = 'deleguee@example.org'"
        " where owner_id = $1",
        contact_id,
    )
    account_id = await account(practice)
    mandate_id = await countersigned(practice, account_id)
    assert await decide(practice, mandate_id) == (200, "")
    assert await given(practice, mandate_id) == contact_id
    bound = await practice.pool.fetchval(
        "select account_id from bindings where contact_id = $1 and upper_inf(during)", contact_id
    )
    assert bound == account_id
    assert await practice.pool.fetchval("select count(*) from credentials") == 0


async def test_an_account_left_open_by_somebody_else_is_given_nothing(practice: Practice) -> None:
    account_id = await account(practice, "Autre")
    mandate_id = await practice.mandate()
    await practice.sign(mandate_id)
    [token] = await practice.tokens()
    refused = await practice.countersign(mandate_id, token, signed_in(practice, account_id))
    assert (refused.status_code, refused.json()["code"]) == (422, "mandate_account_of_another")
    assert (await practice.countersign(mandate_id, token)).status_code == 201


async def test_an_account_that_is_a_contact_there_is_no_second_one(practice: Practice) -> None:
    account_id = await account(practice)
    first = await countersigned(practice, account_id)
    assert await decide(practice, first) == (200, "")
    second = await practice.mandate(subject="account_statements")
    await practice.sign(second)
    token = (await practice.tokens())[-1]
    other = practice.address_proof("encore@example.org")
    signed = await practice.countersign(second, token, signed_in(practice, account_id), address_proof=other)
    assert signed.status_code == 201
    assert await decide(practice, second) == (200, "")
    assert await given(practice, second) == await given(practice, first)


async def test_an_account_that_was_closed_since_is_not_bound(practice: Practice) -> None:
    account_id = await account(practice)
    mandate_id = await countersigned(practice, account_id)
    await practice.pool.execute("update statuses set active = false where owner_id = $1", account_id)
    status, _ = await decide(practice, mandate_id)
    assert status == 409
    assert await practice.pool.fetchval("select count(*) from bindings where account_id = $1", account_id) == 1


async def test_an_account_that_was_never_linked_is_given_nothing_by_signing(practice: Practice) -> None:
    account_id = await account(practice, linked=False)
    mandate_id = await countersigned(practice, account_id)
    document = await practice.client.get(f"/v1/mandates/{mandate_id}/document", headers=practice.professional.headers)
    assert [s["signed_in"] for s in document.json()["signatures"]] == [True, False]
    assert await decide(practice, mandate_id) == (200, "")
    states = [s for s in await practice.at.opened.published("Contact") if s["credential"] is not None]
    assert {s["contact_id"] for s in states} == {str(await given(practice, mandate_id))}
    assert await practice.pool.fetchval("select count(*) from bindings where account_id = $1", account_id) == 0


async def test_the_document_says_that_the_delegate_was_signed_in(practice: Practice) -> None:
    mandate_id = await countersigned(practice, await account(practice))
    path = f"/v1/mandates/{mandate_id}/document"
    document = await practice.client.get(path, headers=practice.professional.headers)
    assert [s["signed_in"] for s in document.json()["signatures"]] == [True, True]
    headers = practice.professional.headers | {"Accept": "text/html"}
    printed = await practice.client.get(path, headers=headers)
    assert printed.text.count("garde ce compte") == 1
    alone = await practice.mandate(Personal("Seule", "Démo", "seule@example.org", [], "fr"))
    await practice.sign(alone)
    token = (await practice.tokens())[-1]
    body = {"person": {"family_name": "Seule", "given_name": "Démo"}}
    own = practice.address_proof("seule@example.org")
    assert (await practice.countersign(alone, token, address_proof=own, **body)).status_code == 201
    document = await practice.client.get(f"/v1/mandates/{alone}/document", headers=practice.professional.headers)
    assert [s["signed_in"] for s in document.json()["signatures"]] == [True, False]
