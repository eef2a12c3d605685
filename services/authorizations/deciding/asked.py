"""What a request asks for, as it is shown over HTTP: one function for each kind."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from pydantic import BaseModel

from chassis.database import Connection
from chassis.gateway import Call
from contracts.agency.matching import CONTACT_FIELDS
from contracts.authorizations import Telephone
from contracts.credentials import CredentialHalf
from contracts.events import Language, Level
from contracts.problems import word
from services.authorizations.answers import last_day
from services.authorizations.blocked import keeps_account_out
from services.authorizations.claims.domain import AskedAccess, unless_decided
from services.authorizations.contested import storage as contested
from services.authorizations.contested.domain import AskedLink
from services.authorizations.credentials import storage as credentials
from services.authorizations.credentials.domain import AskedBounce, reader_of, unlocked
from services.authorizations.instants import today
from services.authorizations.invitations.domain import AskedInvitation
from services.authorizations.mandates import views as mandate_views
from services.authorizations.mandates.domain import AskedMandate
from services.authorizations.mandates.views import AskedMandateView
from services.authorizations.misuse.domain import AskedMisuse
from services.authorizations.misuse.views import MisuseView
from services.authorizations.misuse.views import view as misuse_view
from services.authorizations.organizations import storage as organizations
from services.authorizations.personal.domain import Personal
from services.authorizations.personal.storage import descriptions
from services.authorizations.representations.domain import AskedEnd
from services.authorizations.requests.domain import AskedGrants, OfPerson, Request
from services.authorizations.reviews.domain import (
    AgreementCode,
    AskedComparison,
    AskedContact,
    AskedManager,
    Candidate,
)
from services.authorizations.tools import Tools


class PersonView(BaseModel):
    """A person as a form described one; of who asked for access, those who decided keep the name alone."""

    family_name: str
    given_name: str
    email: str | None
    telephones: list[Telephone]
    language: Language | None


class AskedSubjectView(BaseModel):
    """A subject that is asked for."""

    subject: str
    name: str
    level: Level


class AgreeingFieldView(BaseModel):
    """A field of two files that says the same, or nearly."""

    field: str
    name: str
    agreement: AgreementCode
    agreement_name: str


class CandidateView(BaseModel):
    """A contact who may be the person asked about: for agents alone. `score` is the evidence for it, in bits."""

    contact_id: UUID
    score: float
    agreeing: list[AgreeingFieldView]
    same_organization: bool


class AccountView(BaseModel):
    """An account, with its person as far as known: for agents alone."""

    account_id: UUID
    family_name: str | None
    given_name: str | None
    email: str | None


class LinkView(BaseModel):
    """A link in force: who is which contact, since when."""

    link_id: UUID
    contact_id: UUID
    account: AccountView
    linked_at: datetime


class ContestedView(BaseModel):
    """An account that proved it may be a contact, and the link in its way, None once it is gone: for agents alone.

    Approving ends that link and sends new coordinates to the address on the file of `contact_id`; rejecting keeps it.
    """

    contact_id: UUID
    account: AccountView
    method: str
    obstacle: str
    obstacle_name: str
    link: LinkView | None


class BounceView(BaseModel):
    """Half of a contact's credential that did not arrive, and whom it went to: for agents alone.

    Approving sends it to another address, which the decision names; a temporary password is then another one.
    """

    contact_id: UUID
    half: CredentialHalf
    half_name: str
    family_name: str
    given_name: str
    email: str
    service: str
    service_name: str


class ClaimView(BaseModel):
    """What was found out about a claim, and is told to nobody but agents.

    `proven`: the person had the organization’s code, and knew what is asked with it. `locked`: nobody compared it.
    """

    claim_id: UUID
    account_id: UUID
    proven: bool
    locked: bool


class AskedView(BaseModel):
    """What is to become true: a relation of a type, for a time, with subjects; or the end of `relation_id`.

    `person` is whom a new contact would be; it is erased some time after the request has ended. Of an access request it
    is who asks, `capacity` what the person says to be there, and the rest what an approval gives by itself; `blocked`,
    for those who decide and agents, whether the organization keeps the person out. Or whether
    the contact `contact_id` is the same person as one of the candidates, in another organization; or a link that is
    contested; or that another person uses an account; or half of a credential that did not arrive. Of a mandate,
    `person` is the delegate as the professional described one.
    """

    relation_id: UUID | None = None
    type: str | None = None
    type_name: str | None = None
    starts_on: date | None = None
    ends_on: date | None = None
    subjects: list[AskedSubjectView] = []
    client_number: str | None = None
    person: PersonView | None = None
    candidates: list[CandidateView] = []
    contact_id: UUID | None = None
    contested: ContestedView | None = None
    misuse: MisuseView | None = None
    capacity: str | None = None
    capacity_name: str | None = None
    blocked: bool | None = None
    bounce: BounceView | None = None
    claim: ClaimView | None = None
    mandate: AskedMandateView | None = None


@dataclass(frozen=True)
class Shown:
    """For whom a request is shown, by whose words, and the person whom it describes, until that is erased."""

    call: Call[Tools]
    connection: Connection
    person: Personal | None
    of_asker: OfPerson
    for_agents: bool
    for_asker: bool


async def relation(shown: Shown, request: Request) -> AskedView:
    """A relation, as it would begin."""
    return _grants(shown.call, AskedGrants.model_validate(request.asked))


async def end(shown: Shown, request: Request) -> AskedView:
    """A relation, as it would end."""
    return AskedView(relation_id=AskedEnd.model_validate(request.asked).relation_id)


async def contact(shown: Shown, request: Request) -> AskedView:
    """Somebody new, and for agents whoever that may be."""
    asked = AskedContact.model_validate(request.asked)
    alike = asked.candidates if shown.for_agents else ()
    return _grants(shown.call, asked).model_copy(
        update={
            "client_number": asked.client_number,
            "person": PersonView.model_validate(shown.person, from_attributes=True) if shown.person else None,
            "candidates": [_candidate(candidate, shown.call.language) for candidate in alike],
        }
    )


async def access(shown: Shown, request: Request) -> AskedView:
    """Who asks to act for an organization, as what, and what the agency's data give; for agents, how it was proven."""
    found, agency = AskedAccess.model_validate(request.asked), shown.call.tools.agency
    assert (
        request.organization_id is not None and request.claim_id is not None and request.asked_by_account_id is not None
    )
    capacity = agency.capacities[found.capacity]
    kind = (await organizations.get(shown.connection, [request.organization_id]))[request.organization_id].kind
    default = unless_decided(agency, found, kind, today(shown.call))
    asked = AskedGrants(
        type=default.type,
        starts_on=default.period.starts_on,
        ends_on=default.period.ends_on,
        grants=AskedGrants.rights([chosen.grant for chosen in default.subjects]),
    )
    claim = ClaimView(
        claim_id=request.claim_id, account_id=request.asked_by_account_id, proven=found.proven, locked=found.locked
    )
    blocked = None
    if not shown.for_asker:
        now = shown.call.gateway.unit.origin.clock()
        blocked = await keeps_account_out(shown.connection, request.organization_id, request.asked_by_account_id, now)
    return _grants(shown.call, asked).model_copy(
        update={
            "person": _asker(shown),
            "blocked": blocked,
            "capacity": found.capacity,
            "capacity_name": capacity.name.in_(shown.call.language),
            "claim": claim if shown.for_agents else None,
        }
    )


def _asker(shown: Shown) -> PersonView | None:
    if shown.person is None or not shown.person.family_name or shown.of_asker == "nothing":
        return None
    person = PersonView.model_validate(shown.person, from_attributes=True)
    if shown.of_asker == "all":
        return person
    return person.model_copy(update={"email": None, "telephones": [], "language": None})


async def invitation(shown: Shown, request: Request) -> AskedView:
    """Who is invited, as what, with which subjects."""
    asked = AskedInvitation.model_validate(request.asked)
    person = PersonView.model_validate(shown.person, from_attributes=True) if shown.person else None
    return _grants(shown.call, asked).model_copy(update={"person": person})


async def mandate(shown: Shown, request: Request) -> AskedView:
    """One service for somebody with a function in the organization, who has signed, and the answers that led to it."""
    asked = AskedMandate.model_validate(request.asked)
    granted = AskedGrants(
        type=asked.type, starts_on=asked.starts_on, ends_on=asked.ends_on, grants=AskedGrants.rights([asked.grant])
    )
    person = PersonView.model_validate(shown.person, from_attributes=True) if shown.person else None
    more = await mandate_views.asked(
        shown.connection, shown.call.tools.agency, request, shown.call.language, shows_addresses=shown.for_agents
    )  # fmt: skip
    return _grants(shown.call, granted).model_copy(update={"person": person, "mandate": more})


async def manager(shown: Shown, request: Request) -> AskedView:
    """The function that nobody has any more."""
    return _type(shown.call, AskedManager.model_validate(request.asked).type)


async def comparison(shown: Shown, request: Request) -> AskedView:
    """A contact, and those of other organizations who may be the same person: for agents, who alone see the request."""
    compared = AskedComparison.model_validate(request.asked)
    alike = [_candidate(candidate, shown.call.language) for candidate in compared.candidates]
    return AskedView(contact_id=compared.contact_id, candidates=alike)


async def misuse(shown: Shown, request: Request) -> AskedView:
    """Whose account another person may use, and the evidence: for agents, who alone see the request."""
    if not shown.for_agents:
        return AskedView()
    asked, call = AskedMisuse.model_validate(request.asked), shown.call
    found = await misuse_view(shown.connection, call.tools.agency, request.request_id, asked, call.language)
    return AskedView(misuse=found)


async def link(shown: Shown, request: Request) -> AskedView:
    """A link, and the one in its way: for agents."""
    if not shown.for_agents:
        return AskedView()
    asked = AskedLink.model_validate(request.asked)
    found = await contested.obstacle(shown.connection, asked)
    accounts = {asked.account_id} | ({found.account_id} if found else set())
    persons = await descriptions(shown.connection, accounts)
    return AskedView(
        contested=ContestedView(
            contact_id=asked.contact_id,
            account=_account(asked.account_id, persons.get(asked.account_id)),
            method=asked.method,
            obstacle=asked.obstacle,
            obstacle_name=word(f"obstacle_{asked.obstacle}", shown.call.language),
            link=found
            and LinkView(
                link_id=found.link_id,
                contact_id=found.contact_id,
                account=_account(found.account_id, persons.get(found.account_id)),
                linked_at=found.linked_at,
            ),
        )
    )


async def bounce(shown: Shown, request: Request) -> AskedView:
    """Half of a credential, and where it should have gone: for agents."""
    found = AskedBounce.model_validate(request.asked)
    tools, language = shown.call.tools, shown.call.language
    kept = await credentials.own_addresses(shown.connection, found.contact_id)
    if not shown.for_agents or kept is None:
        return AskedView()
    addresses = unlocked(tools.vault, kept)
    reader = reader_of(found.half, addresses)
    return AskedView(
        contact_id=found.contact_id,
        bounce=BounceView(
            contact_id=found.contact_id,
            half=found.half,
            half_name=word(f"half_{found.half}", language),
            family_name=reader.family_name,
            given_name=reader.given_name,
            email=reader.email,
            service=addresses.service,
            service_name=tools.agency.subjects[addresses.service].name.in_(language),
        ),
    )


def _account(account_id: UUID, person: Personal | None) -> AccountView:
    return AccountView(
        account_id=account_id,
        family_name=person.family_name if person else None,
        given_name=person.given_name if person else None,
        email=person.email if person else None,
    )


def _candidate(candidate: Candidate, language: Language) -> CandidateView:
    agreeing = [
        AgreeingFieldView(
            field=field,
            name=word(f"column_{field}", language),
            agreement=agreement,
            agreement_name=word(f"agreement_{agreement}", language),
        )
        for field in ("client_number", *CONTACT_FIELDS)
        if (agreement := candidate.agreeing.get(field)) is not None
    ]
    return CandidateView(
        contact_id=candidate.contact_id,
        score=candidate.score,
        agreeing=agreeing,
        same_organization=candidate.same_organization,
    )


def _grants(call: Call[Tools], asked: AskedGrants) -> AskedView:
    subjects = [
        AskedSubjectView(
            subject=grant.subject,
            name=call.tools.agency.subjects[grant.subject].name.in_(call.language),
            level=grant.level,
        )
        for grant in asked.grants
    ]
    dates = {"starts_on": asked.starts_on, "ends_on": last_day(asked.period)}
    return _type(call, asked.type).model_copy(update={**dates, "subjects": subjects})


def _type(call: Call[Tools], type: str) -> AskedView:
    return AskedView(type=type, type_name=call.tools.relation_type(type).name.in_(call.language))
