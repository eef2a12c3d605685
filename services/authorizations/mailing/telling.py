"""Telling somebody by mail: the one way to do it. Whoever tells says what bounds it, or why nothing has to."""

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol
from uuid import UUID

from chassis.work import Work
from contracts.events import Code, Language
from contracts.notifications import Contents, MailRequest
from services.authorizations.mailing import budgets, held
from services.authorizations.mailing.budgets import Bound
from services.authorizations.organizations.storage import OrganizationRow
from services.authorizations.tools import Tools

READER = "notifications"  # whom the contents are sealed to

NEWS_KEEPS = timedelta(
    days=3
)  # in which a mail still tells something that its reader does not find in the portal first

WARNING_KEEPS = timedelta(days=30)  # whoever may have lost something wants to know it late rather than never


class Person(Protocol):
    """Whoever has an address, or none: a contact, an account's person, somebody invited."""

    @property
    def email(self) -> str | None:
        """Where to write to."""

    @property
    def given_name(self) -> str:
        """How a mail greets them."""

    @property
    def language(self) -> Language:
        """In which they read it."""

    @property
    def portal(self) -> Code | None:
        """Where its links lead: where the person began, or for None to the agency's first portal."""


@dataclass(frozen=True)
class To:
    """Who reads a mail, and where; without an address nobody does."""

    recipient_id: UUID
    address: str | None
    given_name: str
    language: Language
    portal: Code | None


def to(recipient_id: UUID, person: Person) -> To:
    """A person by the id of the contact, account or request that they are."""
    return To(recipient_id, person.email, person.given_name, person.language, person.portal)


def to_file(organization: OrganizationRow) -> To:
    """An organization's address on file: nobody there may have asked for anything, or began anywhere."""
    return To(organization.organization_id, organization.email, "", organization.language, None)


async def tell(
    work: Work[Tools],
    mail: type[MailRequest],
    reader: To,
    organization: OrganizationRow,
    *,
    bound: Bound,
    once: str,
    keeps: timedelta = NEWS_KEEPS,
    **said: Any,
) -> None:
    """Ask for a mail about an organization's file to one reader; what its budget holds back is told of the day after.

    `said` are the fields of its kind; those of the kind's contents go under the seal. `once` names what it tells: of
    two mails that tell the same, the reader gets the first. After `keeps` it never goes. What somebody is told each day
    waits behind everything else. Nobody holds the delivery's handle.
    """
    if reader.address is None:
        return
    budget = await budgets.held_back_by(work, bound, mail, organization.organization_id, reader.address)
    if budget is not None:
        mailbox = budgets.of_mailbox(work, reader.address)
        await held.keep(work, budget, mail, mailbox, reader.recipient_id, organization.organization_id)
        return
    under_seal = {name: said.pop(name) for name in mail.contents.model_fields if name in said}
    contents: Contents = mail.contents(address=reader.address, given_name=reader.given_name, **under_seal)
    work.publish(
        mail(
            recipient_id=reader.recipient_id,
            delivery_id=work.new_id(),
            handle=secrets.token_urlsafe(24),
            language=reader.language,
            portal=reader.portal,
            priority="bulk" if bound == "daily" else "normal",
            expires_at=work.now + keeps,
            deduplication_id=once,
            sealed=work.tools.sealer.seal(READER, contents),
            organization_name=organization.legal_name,
            organization_number=organization.number,
            **said,
        )
    )
