"""A review of misuse as agents see it: whose account, whether it is closed, and every piece of evidence."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field

from chassis.database import Connection
from contracts.agency import Agency
from contracts.events import Language
from contracts.problems import word, words
from services.authorizations import statuses
from services.authorizations.actors import ActorView, accounts_of, actor
from services.authorizations.misuse import storage
from services.authorizations.misuse.domain import AskedMisuse, Evidence
from services.authorizations.personal.storage import names, person_names, said


class EvidenceView(BaseModel):
    """A report, with its words until they are erased; or a signal, with what was seen: no network, no address."""

    evidence_id: UUID
    kind: str
    code: str
    name: str
    told_by: ActorView
    organization_id: UUID | None
    organization_name: str | None
    mandate_id: UUID | None
    at: datetime
    words: str | None
    seen: dict[str, Any]


class MisuseView(BaseModel):
    """Whose account another person may use: for agents alone. An approval says that it was so.

    `closing` is where an agent closes the account, which comes before an approval; `account_active`, whether it is open
    as far as is known here. Both are null of a contact whom no account is.
    """

    account_id: UUID | None
    contact_id: UUID | None
    family_name: str | None
    given_name: str | None
    account_active: bool | None
    closing: str | None = Field(description="POST it to accounts, with a reason.")
    evidence: list[EvidenceView]


async def view(
    connection: Connection, agency: Agency, request_id: UUID, asked: AskedMisuse, language: Language
) -> MisuseView:
    """What an agent compares and decides by."""
    found = await storage.evidence(connection, request_id)
    told_by = accounts_of(one.by for one in found)
    persons = await person_names(connection, told_by | {asked.subject})
    organizations = await names(connection, [one.organization_id for one in found if one.organization_id])
    texts = await said(connection, [one.evidence_id for one in found])
    person = persons.get(asked.subject)
    account_id = asked.account_id

    def shown(one: Evidence) -> EvidenceView:
        organization = organizations.get(one.organization_id) if one.organization_id else None
        return EvidenceView(
            evidence_id=one.evidence_id,
            kind=one.kind,
            code=one.code,
            name=_name(agency, one, language),
            told_by=actor(one.by, persons, language, shows_ids=True),
            organization_id=one.organization_id,
            organization_name=organization.legal_name if organization else None,
            mandate_id=one.mandate_id,
            at=one.at,
            words=texts.get(one.evidence_id),
            seen=dict(one.seen),
        )

    return MisuseView(
        account_id=account_id,
        contact_id=asked.contact_id,
        family_name=person.family_name if person else None,
        given_name=person.given_name if person else None,
        account_active=await statuses.is_active(connection, account_id) if account_id else None,
        closing=f"/v1/accounts/{account_id}/deactivation" if account_id else None,
        evidence=[shown(one) for one in found],
    )


def _name(agency: Agency, evidence: Evidence, language: Language) -> str:
    if evidence.kind == "report":
        return agency.misuse_reasons[evidence.code].name.in_(language)
    return word(f"signal_{evidence.code}", language) if f"signal_{evidence.code}" in words() else evidence.code
