"""Half of a credential that came back is looked at by an agent, once, and goes out again to another address."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import permutations
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from uuid_utils.compat import uuid7

from chassis import keys
from chassis.sealing import Sealer
from contracts import agency as agencies
from contracts.accounts import CredentialDeliveries, CredentialIssued
from contracts.credentials import CredentialAddresses, CredentialHalf, CredentialParty
from contracts.notifications import CredentialContents, MailBounced, MailExpired, MailFact, MailSent, MailSuppressed
from local import ROOT
from services.authorizations.accounts.handlers import forget_account
from services.authorizations.credentials import chores
from services.authorizations.credentials.domain import BOTH
from services.authorizations.credentials.handlers import follow_issue, raise_generation
from services.authorizations.linking_codes.deliveries import follow_deliveries
from services.authorizations.tests.conftest import TEST, Firm

ADDRESSES = CredentialAddresses(
    delegate=CredentialParty(
        email="adjointe@cabinet.example", given_name="Odile", family_name="Fictive", language="fr"
    ),
    professional=CredentialParty(
        email="medecin@cabinet.example", given_name="Hubert", family_name="Exemple", language="en"
    ),
    organization_name="CABINET EXEMPLE",
    service="monthly_report",
)
TO_PROFESSIONAL, TO_DELEGATE = uuid7(), uuid7()


@dataclass
class Given:
    """A contact that is to have a credential, and what is told of it."""

    firm: Firm
    contact_id: UUID
    folder: Path

    async def ask(self, halves: Sequence[CredentialHalf] = BOTH, to: CredentialAddresses = ADDRESSES) -> None:
        async def step(work: Any, _: None) -> None:
            await raise_generation(work, self.contact_id, to, halves)

        await self.firm.opened.unit.run(step, None, TEST)

    async def tell(self, told: CredentialIssued | MailFact) -> None:
        if isinstance(told, CredentialIssued):
            await self.firm.opened.unit.run(follow_issue, told, TEST)
        else:
            await self.firm.opened.unit.run(follow_deliveries, [told], TEST)

    def issued(self, generation: int = 1, kept: bool = False, **deliveries: UUID) -> CredentialIssued:
        mails = deliveries or ({} if kept else {"to_professional": TO_PROFESSIONAL, "to_delegate": TO_DELEGATE})
        return CredentialIssued(
            account_id=uuid7(), contact_id=self.contact_id, organization_id=self.firm.firm_id, generation=generation,
            kept=kept, issued_at=datetime.now(UTC), deliveries=CredentialDeliveries(**mails),
        )  # fmt: skip

    async def queue(self) -> list[dict[str, Any]]:
        answer = await self.firm.client.get("/v1/requests?kind=review", headers=self.firm.agent)
        return [review for review in answer.json()["items"] if review["reason"] == "bounce"]

    async def decide(self, outcome: str, **changes: Any) -> httpx.Response:
        """An agent decides the only review there is."""
        (review,) = await self.queue()
        path = f"/v1/requests/{review['request_id']}"
        opened = await self.firm.client.get(path, headers=self.firm.agent)
        headers = self.firm.agent | {"If-Match": opened.headers["etag"]}
        return await self.firm.client.post(f"{path}/decision", json={"outcome": outcome} | changes, headers=headers)

    async def credential(self) -> tuple[int, list[str], CredentialAddresses]:
        """What accounts reads in the contact's latest state."""
        states = await self.firm.opened.published("Contact")
        told = [state["credential"] for state in states if state["contact_id"] == str(self.contact_id)][-1]
        sealer = Sealer(keys.read(self.folder / "accounts.json"), keys.read_public(self.folder / "public.json"))
        return told["generation"], told["halves"], sealer.open(told["addresses"], CredentialAddresses)

    async def is_kept(self) -> bool:
        """Whether it is known to whom the credential goes: here, and in the contact's latest state."""
        row = await self.firm.opened.unit.pool.fetchval(
            "select count(*) from credentials where contact_id = $1", self.contact_id
        )
        states = await self.firm.opened.published("Contact")
        told = [state["credential"] for state in states if state["contact_id"] == str(self.contact_id)][-1]
        assert (row == 1) == (told is not None)
        return bool(row)

    async def later(self, days: int) -> None:
        """So many days pass for the credential, and a worker looks."""
        query = "update credentials set issued_at = issued_at - $1::interval, raised_at = raised_at - $1::interval"
        await self.firm.opened.unit.pool.execute(query, timedelta(days=days))
        await chores.forget_settled(self.firm.opened.unit)

    async def warned(self) -> list[tuple[dict[str, Any], CredentialContents]]:
        """The mails to the side that can be reached."""
        ring = keys.read(self.folder / "notifications.json")
        sealer = Sealer(ring, keys.read_public(self.folder / "public.json"))
        mails = await self.firm.opened.published("CredentialUndeliveredMail")
        return [(mail, sealer.open(mail["sealed"], CredentialContents)) for mail in mails]


def bounced(delivery_id: UUID) -> MailBounced:
    return MailBounced(delivery_id=delivery_id, status="5.1.1")


@pytest.fixture
async def given(firm: Firm, keyring_folder: Path) -> Given:
    mandates = agencies.load(ROOT / "agencies" / "ramq").mandates
    tools = replace(firm.opened.tools, agency=replace(firm.opened.tools.agency, mandates=mandates))
    object.__setattr__(firm.opened.unit, "tools", tools)
    found = Given(firm, firm.responsible.contact_id, keyring_folder)
    await found.ask()
    return found


async def test_the_contacts_state_asks_accounts_and_nobody_else_reads_to_whom(given: Given) -> None:
    generation, halves, addresses = await given.credential()
    assert (generation, halves, addresses) == (1, ["user_name", "temporary_password"], ADDRESSES)
    await given.ask()
    assert (await given.credential())[0] == 2
    rows = await given.firm.opened.unit.pool.fetch("select contacts::text || credentials::text from contacts"
                                                   " join credentials using (contact_id)")  # fmt: skip
    assert rows and not any("adjointe@" in row[0] or "medecin@" in row[0] for row in rows)


async def test_to_whom_it_went_is_read_after_the_keys_of_what_travels_are_gone(given: Given) -> None:
    tools = given.firm.opened.tools
    public = keys.read_public(given.folder / "public.json")
    without = replace(given.firm.opened.unit.tools, sealer=Sealer(replace(tools.keyring, sealing=()), public))
    object.__setattr__(given.firm.opened.unit, "tools", without)
    await given.tell(given.issued())
    await given.tell(bounced(TO_DELEGATE))
    [review] = await given.queue()
    assert review["asked"]["bounce"]["email"] == ADDRESSES.delegate.email
    assert (await given.decide("approve", email="nouvelle@cabinet.example")).status_code == 200


@pytest.mark.parametrize("order", list(permutations(range(3))))
async def test_a_mail_that_came_back_is_asked_about_once_in_whatever_order_it_is_told(
    given: Given, order: tuple[int, ...]
) -> None:
    told = (given.issued(), MailSent(delivery_id=TO_DELEGATE, sent_at=datetime.now(UTC)), bounced(TO_DELEGATE))
    for place in order:
        await given.tell(told[place])
    await given.tell(MailSuppressed(delivery_id=TO_DELEGATE, reason="no_such_address"))
    [review] = await given.queue()
    assert review["asked"]["bounce"]["half"] == "temporary_password"
    assert review["asked"]["bounce"]["email"] == ADDRESSES.delegate.email
    [(mail, contents)] = await given.warned()
    assert (contents.address, contents.other_name, mail["half"]) == (
        ADDRESSES.professional.email, "Odile Fictive", "temporary_password",
    )  # fmt: skip


async def test_each_half_is_asked_about_and_the_other_side_told(given: Given) -> None:
    await given.tell(given.issued())
    await given.tell(bounced(TO_PROFESSIONAL))
    await given.tell(MailExpired(delivery_id=TO_DELEGATE, reason="expired"))
    assert [review["asked"]["bounce"]["half"] for review in await given.queue()] == list(BOTH)
    assert [contents.address for _, contents in await given.warned()] == [
        ADDRESSES.delegate.email, ADDRESSES.professional.email,
    ]  # fmt: skip


async def test_mails_of_nobodys_credential_and_older_ones_are_nobodys_business(given: Given) -> None:
    await given.tell(bounced(uuid7()))
    await given.tell(given.issued())
    newer = uuid7()
    await given.tell(given.issued(generation=2, to_delegate=newer))
    await given.tell(given.issued(to_delegate=uuid7()))  # older, and told later
    await given.tell(bounced(TO_DELEGATE))
    assert await given.queue() == []
    await given.tell(bounced(newer))
    assert len(await given.queue()) == 1


async def test_another_address_raises_the_generation_of_that_half_alone(given: Given) -> None:
    await given.tell(given.issued())
    await given.tell(bounced(TO_DELEGATE))
    decided = await given.decide("approve", email="odile@ailleurs.example")
    assert decided.status_code == 200, decided.text
    generation, halves, addresses = await given.credential()
    assert (generation, halves, addresses.delegate.email) == (2, ["temporary_password"], "odile@ailleurs.example")
    assert addresses.professional == ADDRESSES.professional
    assert await given.queue() == []
    again = uuid7()
    await given.tell(given.issued(generation=2, to_delegate=again))
    await given.tell(bounced(again))
    [review] = await given.queue()
    assert review["asked"]["bounce"]["email"] == "odile@ailleurs.example"


async def account_address(given: Given) -> str:
    """The address of somebody else who is known here."""
    found: str = await given.firm.opened.unit.pool.fetchval(
        "select email from personal_fields where owner_id = $1", given.firm.responsible.account_id
    )
    return found


async def test_both_halves_never_go_to_one_address_and_an_approval_names_one(given: Given) -> None:
    await given.tell(given.issued())
    await given.tell(bounced(TO_PROFESSIONAL))
    refusals: list[tuple[dict[str, str], str]] = [
        ({}, "address_required"),
        ({"email": "Adjointe+x@cabinet.example"}, "address_of_the_other_side"),
        ({"email": "info@cabinet.example"}, "address_of_a_function"),
        ({"email": await account_address(given)}, "address_of_another"),
    ]
    for body, code in refusals:
        refused = await given.decide("approve", **body)
        assert (refused.status_code, refused.json()["code"]) == (422, code)
    assert (await given.credential())[0] == 1
    assert len(await given.queue()) == 1


async def test_an_account_that_was_kept_has_no_mails_to_come_back(given: Given) -> None:
    await given.tell(given.issued(kept=True))
    await given.tell(bounced(TO_DELEGATE))
    assert await given.queue() == []


async def test_to_whom_a_credential_went_is_forgotten_once_no_mail_of_it_can_come_back(given: Given) -> None:
    await given.tell(given.issued())
    await given.later(9)  # the password was good for three, and hosts try for five more
    assert await given.is_kept()
    await given.later(2)
    assert not await given.is_kept()
    await given.tell(bounced(TO_DELEGATE))
    assert await given.queue() == []
    await given.ask()  # of who is forgotten the generations go on
    assert (await given.credential())[0] == 2


@pytest.mark.parametrize("told", [False, True])
async def test_addresses_that_accounts_or_an_agent_still_needs_are_kept_but_not_for_ever(
    given: Given, told: bool
) -> None:
    if told:
        await given.tell(given.issued())
        await given.tell(bounced(TO_DELEGATE))
    await given.later(11)
    assert await given.is_kept()
    await given.later(90)
    assert not await given.is_kept()
    assert [review["asked"]["bounce"] for review in await given.queue()] == [None] * told


async def test_whose_person_is_erased_has_no_addresses_of_a_credential(given: Given) -> None:
    await given.tell(given.issued())
    await given.firm.opened.unit.run(forget_account, uuid7(), TEST)
    assert await given.is_kept()
    await given.firm.opened.unit.run(forget_account, given.firm.responsible.account_id, TEST)
    assert not await given.is_kept()
