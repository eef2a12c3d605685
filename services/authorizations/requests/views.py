"""A request as it is shown over HTTP: to one of its sides, and to agents, who see more."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from pydantic import BaseModel

from chassis.database import Connection
from chassis.gateway import Call
from contracts.agency.matching import CONTACT_FIELDS
from contracts.agency.requests import Decider, RequestKind, ReviewReason
from contracts.authorizations import Telephone
from contracts.events import Language, Level
from contracts.problems import word
from services.authorizations.contacts import storage as contacts
from services.authorizations.contacts.storage import Personal
from services.authorizations.contested import storage as contested
from services.authorizations.contested.domain import AskedLink, Link
from services.authorizations.granting import OrganizationView, last_day
from services.authorizations.requests import storage
from services.authorizations.requests.domain import (
    AgreementCode,
    AskedComparison,
    AskedContact,
    AskedEnd,
    AskedManager,
    Candidate,
    Request,
    Settled,
    Side,
    State,
)
from services.authorizations.tools import Tools


class PersonView(BaseModel):
    """A person as a form described one."""

    family_name: str
    given_name: str
    email: str | None
    telephones: list[Telephone]
    language: Language


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


class AskedView(BaseModel):
    """What is to become true: a relation of a type, for a time, with subjects; or the end of `relation_id`.

    `person` is whom a new contact would be; it is erased some time after the request has ended. Or whether the contact
    `contact_id` is the same person as one of the candidates, in another organization; or a link that is contested.
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


class RequestView(BaseModel):
    """A request as one of its sides, or an agent, sees it.

    `organization` is the one acted for. Whoever gave its number alone sees `other_number` and learns no name, and who
    decides, before an approval. `claimed_until` is set for agents, while one of them has the request for itself.
    """

    request_id: UUID
    kind: RequestKind
    kind_name: str
    reason: ReviewReason | None
    state: State
    outcome: Settled | None
    decision_reason: str | None
    decision_reason_name: str | None
    decider: Decider
    organization: OrganizationView | None
    other_kind: str | None
    other_number: str | None
    asked_by: OrganizationView | None
    asked: AskedView
    submitted_at: datetime
    settled_at: datetime | None
    lapses_on: date
    mine_to_decide: bool
    claimed_by_me: bool | None
    claimed_until: datetime | None


@dataclass(frozen=True)
class Around:
    """What else must be known of requests to show them: names, persons by owner, and the links in the way."""

    names: Mapping[UUID, str]
    persons: Mapping[UUID, Personal]
    links: Mapping[UUID, Link | None]


async def around(connection: Connection, requests: Sequence[Request]) -> Around:
    """What is around some requests."""
    wanted = {r.request_id: AskedLink.model_validate(r.asked) for r in requests if r.reason == "contested"}
    links = {request_id: await contested.obstacle(connection, asked) for request_id, asked in wanted.items()}
    owners = {request.request_id for request in requests}
    owners |= {asked.account_id for asked in wanted.values()} | {link.account_id for link in links.values() if link}
    return Around(
        names=await storage.names(connection, requests),
        persons=await contacts.descriptions(connection, sorted(owners)),
        links=links,
    )


def view(call: Call[Tools], request: Request, side: Side, around: Around) -> RequestView:
    """A request for one of its sides, or an agent."""
    agency, language, now = call.tools.agency, call.language, call.gateway.unit.origin.clock()
    day = call.tools.moment(now).day
    hidden = side == "asker" and request.is_blind and request.outcome != "approve"
    reason = agency.decision_reasons[request.decision_reason] if request.decision_reason else None
    claimant = request.claimant(now) if side == "agent" else None

    def named(organization_id: UUID | None) -> OrganizationView | None:
        if organization_id is None:
            return None
        return OrganizationView(organization_id=organization_id, name=around.names[organization_id])

    return RequestView(
        request_id=request.request_id,
        kind=request.kind,
        kind_name=agency.requests.kinds[request.kind].name.in_(language),
        reason=request.reason,
        state=request.state_on(day),
        outcome=request.outcome,
        decision_reason=request.decision_reason,
        decision_reason_name=reason.name.in_(language) if reason else None,
        decider=agency.requests.kinds[request.kind].decider if side == "asker" else request.decider,
        organization=None if hidden else named(request.organization_id),
        other_kind=request.other.kind if request.other else None,
        other_number=request.other.number if request.other else None,
        asked_by=named(request.asked_by_organization_id),
        asked=_asked(call, request, around, for_agents=side == "agent"),
        submitted_at=request.submitted_at,
        settled_at=request.settled_at,
        lapses_on=request.lapses_on,
        mine_to_decide=side != "asker" and request.state_on(day) == "submitted",
        claimed_by_me=None if claimant is None else claimant == call.actor.reference,
        claimed_until=request.claimed_until if claimant is not None else None,
    )


def _asked(call: Call[Tools], request: Request, around: Around, *, for_agents: bool) -> AskedView:
    person = around.persons.get(request.request_id)
    match request.kind, request.reason:
        case "proposed_end", _:
            return AskedView(relation_id=AskedEnd.model_validate(request.asked).relation_id)
        case _, "unmanaged":
            return _asked_type(call, AskedManager.model_validate(request.asked).type)
        case _, "known_elsewhere" if for_agents:
            compared = AskedComparison.model_validate(request.asked)
            alike = [_candidate(candidate, call.language) for candidate in compared.candidates]
            return AskedView(contact_id=compared.contact_id, candidates=alike)
        case _, "contested":
            return AskedView(contested=_contested(call, request, around) if for_agents else None)
    asked = AskedContact.model_validate(request.asked)
    return _asked_type(call, asked.type).model_copy(
        update={
            "starts_on": asked.starts_on,
            "ends_on": last_day(asked.period),
            "subjects": [
                AskedSubjectView(
                    subject=grant.subject,
                    name=call.tools.agency.subjects[grant.subject].name.in_(call.language),
                    level=grant.level,
                )
                for grant in asked.grants
            ],
            "client_number": asked.client_number,
            "person": PersonView.model_validate(person, from_attributes=True) if person else None,
            "candidates": [
                _candidate(candidate, call.language) for candidate in (asked.candidates if for_agents else ())
            ],
        }
    )


def _contested(call: Call[Tools], request: Request, around: Around) -> ContestedView:
    asked, link = AskedLink.model_validate(request.asked), around.links[request.request_id]
    return ContestedView(
        contact_id=asked.contact_id,
        account=_account(asked.account_id, around),
        method=asked.method,
        obstacle=asked.obstacle,
        obstacle_name=word(f"obstacle_{asked.obstacle}", call.language),
        link=link
        and LinkView(
            link_id=link.link_id,
            contact_id=link.contact_id,
            account=_account(link.account_id, around),
            linked_at=link.linked_at,
        ),
    )


def _account(account_id: UUID, around: Around) -> AccountView:
    person = around.persons.get(account_id)
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


def _asked_type(call: Call[Tools], type: str) -> AskedView:
    return AskedView(type=type, type_name=call.tools.relation_type(type).name.in_(call.language))
