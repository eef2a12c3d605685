"""Contacts that are to have a credential, as authorizations tells of them."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any
from uuid import UUID

import httpx
from uuid_utils.compat import uuid7

from chassis.work import Actor
from contracts.accounts import CredentialIssued
from contracts.agency.mandates import MandateCredentials, Mandates, UserNameShape
from contracts.authorizations import Contact, FunctionSpan
from contracts.credentials import ContactCredential, CredentialAddresses, CredentialHalf, CredentialParty
from contracts.notifications import (
    TemporaryPasswordContents,
    TemporaryPasswordMail,
    UserNameContents,
    UserNameMail,
)
from services.accounts.credentials.handlers import follow_contacts
from services.accounts.tests.conftest import Accounts

ACTOR = Actor("test", "test")
CHOSEN = "un cheval traverse la rivière"
RULES = MandateCredentials(user_name=UserNameShape(prefix="x", digits=10), password_hours=72)

DELEGATE = CredentialParty(email="adjointe@cabinet.example", given_name="Odile", family_name="Fictive", language="fr")
PROFESSIONAL = CredentialParty(
    email="medecin@cabinet.example", given_name="Hubert", family_name="Exemple", language="en"
)
VERSIONS: Iterator[int] = count(1)


def mandating(accounts: Accounts) -> None:
    """Give the agency mandates, of which this service reads what a credential is."""
    read: dict[str, Any] = {"credentials": RULES}
    accounts.agency(mandates=Mandates.model_construct(**read))


@dataclass(frozen=True)
class Ordered:
    """A contact's state in which a credential stands."""

    contact_id: UUID = field(default_factory=uuid7)
    organization_id: UUID = field(default_factory=uuid7)
    generation: int = 1
    halves: tuple[CredentialHalf, ...] = ("user_name", "temporary_password")
    delegate: CredentialParty = DELEGATE
    professional: CredentialParty = PROFESSIONAL

    def again(self, **changes: Any) -> "Ordered":
        return replace(self, generation=self.generation + 1, **changes)

    def state(self, accounts: Accounts) -> Contact:
        addresses = CredentialAddresses(
            delegate=self.delegate,
            professional=self.professional,
            organization_name="CABINET EXEMPLE",
            service="monthly_report",
        )
        return Contact(
            contact_id=self.contact_id,
            version=next(VERSIONS),
            organization_id=self.organization_id,
            client_number="90000020",
            family_name=self.delegate.family_name,
            given_name=self.delegate.given_name,
            language=self.delegate.language,
            functions=(FunctionSpan(type="staff_member", starts_on="2026-01-05"),),
            credential=ContactCredential(
                generation=self.generation,
                addresses=accounts.unit.tools.sealer.seal("accounts", addresses),
                halves=self.halves,
            ),
        )


async def give(accounts: Accounts, *ordered: Ordered) -> None:
    """The contacts' states arrive."""
    await accounts.unit.run(follow_contacts, [one.state(accounts) for one in ordered], ACTOR)


async def user_names(accounts: Accounts) -> list[tuple[UserNameMail, UserNameContents]]:
    return [(mail, contents) for mail, contents in await accounts.mailed(UserNameMail)]  # type: ignore[misc]


async def temporary_passwords(accounts: Accounts) -> list[tuple[TemporaryPasswordMail, TemporaryPasswordContents]]:
    return [(mail, contents) for mail, contents in await accounts.mailed(TemporaryPasswordMail)]  # type: ignore[misc]


async def issued(accounts: Accounts) -> list[CredentialIssued]:
    return await accounts.events(CredentialIssued)


async def credential(accounts: Accounts) -> tuple[str, str]:
    """User name and temporary password of the latest mails."""
    return (await user_names(accounts))[-1][1].user_name, (await temporary_passwords(accounts))[-1][
        1
    ].temporary_password


async def first_sign_in(
    accounts: Accounts, login: str, password: str, new_password: str = CHOSEN, terms_version: str = "2026-01"
) -> httpx.Response:
    body = {"login": login, "password": password, "new_password": new_password, "terms_version": terms_version}
    return await accounts.post("/v1/first-sign-ins", body)
