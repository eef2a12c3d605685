"""A mandate as it is shown over HTTP."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel

from chassis.database import Connection
from chassis.gateway import Call, ProblemDetails
from chassis.outcomes import Next, Refusal
from chassis.problems import said
from contracts.agency import Agency
from contracts.agency.mandates import MandateSide
from contracts.events import Language, Level
from services.authorizations.actors import person_name
from services.authorizations.answers import OrganizationView, last_day
from services.authorizations.contacts import storage as contacts
from services.authorizations.contacts.domain import ContactFile
from services.authorizations.mandates import storage
from services.authorizations.mandates.domain import AddressState, AskedMandate, Mandate, Origin
from services.authorizations.mandates.looking import OpenedMandate
from services.authorizations.mandates.on_file import differs, on_file
from services.authorizations.mandates.storage import HeldRight
from services.authorizations.mandates.text import list_digest, read, read_all
from services.authorizations.personal.domain import Named, Personal, PersonName
from services.authorizations.personal.storage import descriptions, names
from services.authorizations.requests.domain import Request, Settled, State
from services.authorizations.signatures.domain import text_digest
from services.authorizations.tools import Tools

BOTH: tuple[MandateSide, ...] = ("professional", "delegate")


class OnFileView(BaseModel):
    """For agents: what is known of the professional apart from the mandate, which anybody may have made up.

    `email` is the account's (`of` says account), else the file's (file); without either `of` is none. `differs`: the
    mandate gives another. `note` says what that means, before anything is approved.
    """

    of: Literal["account", "file", "none"]
    email: str | None
    differs: bool
    note: str | None


class SideView(BaseModel):
    """One of the two who sign. `email` is the address that the side proved to have, for agents and the side itself.

    `signed_at`: when it signed the text as it reads now. `on_file`: of the professional, for agents.
    """

    side: MandateSide
    name: str
    signed_at: datetime | None
    address_state: AddressState
    address_reason: str | None
    email: str | None
    on_file: OnFileView | None = None


class AskedMandateView(BaseModel):
    """What a mandate asks for beside a subject for somebody: by whom, who has signed, and which answers led to it."""

    profession: str
    text_version: int
    sides: list[SideView]
    questionnaire_id: str | None
    answers: Mapping[str, str]
    renews: UUID | None
    origin: Origin


async def asked(
    connection: Connection, agency: Agency, request: Request, language: Language, *, shows_addresses: bool
) -> AskedMandateView:
    """What a mandate's request asks for."""
    mandate = await storage.get(connection, request.request_id)
    assert mandate is not None  # made together
    persons = await descriptions(connection, [signer.side_id for signer in mandate.sides.values()])
    wanted = AskedMandate.model_validate(request.asked)
    shown = sides(mandate, persons, language, seen=BOTH if shows_addresses else ())
    if shows_addresses:
        shown = with_file(agency, shown, await on_file(connection, mandate), language)
    return AskedMandateView(
        profession=wanted.profession,
        text_version=mandate.text_version,
        sides=shown,
        questionnaire_id=wanted.questionnaire.id if wanted.questionnaire else None,
        answers=wanted.questionnaire.answers if wanted.questionnaire else {},
        renews=wanted.renews,
        origin=wanted.origin,
    )


def sides(
    mandate: Mandate, persons: Mapping[UUID, Personal], language: Language, *, seen: tuple[MandateSide, ...]
) -> list[SideView]:
    """Both sides; `seen` are those whose address the reader may see."""
    shown = []
    for side, signer in mandate.sides.items():
        person = persons.get(signer.side_id)
        name = PersonName(person.family_name, person.given_name) if person else None
        shown.append(
            SideView(
                side=side,
                name=person_name(name, language),
                signed_at=signer.signed_at if mandate.has_signed(side) else None,
                address_state=signer.address_state,
                address_reason=signer.address_reason,
                email=person.email if person and side in seen else None,
            )
        )
    return shown


def with_file(
    agency: Agency, shown: Sequence[SideView], known: ContactFile | None, language: Language
) -> list[SideView]:
    """The same for an agent, who compares the professional's address with the one that is known."""

    def of_file(given: str | None) -> OnFileView:
        email = known.email if known is not None else None
        if known is None or email is None:
            return OnFileView(of="none", email=None, differs=False, note=agency.texts.word("on_file_nothing", language))
        other = differs(agency, given, email)
        note = agency.texts.word("on_file_differs", language) if other else None
        return OnFileView(of="account" if known.linked else "file", email=email, differs=other, note=note)

    return [
        side.model_copy(update={"on_file": of_file(side.email)}) if side.side == "professional" else side
        for side in shown
    ]


class ServiceView(BaseModel):
    """The subject that a mandate is about, and the level."""

    subject: str
    name: str
    level: Level


class FunctionView(BaseModel):
    """As what somebody mandates, or is mandated."""

    type: str
    name: str


class GivenView(BaseModel):
    """What an approval gave: a right of the delegate, whose days may be others than those asked for.

    `in_force`: the check says yes by it, so neither a block nor an organization that is not active stands in its way.
    `upheld`: whether the professional still has the profession there by which they mandated; the right stays until
    somebody revokes it. None: a mandate of paper by somebody who has no file.
    """

    contact_id: UUID
    relation_id: UUID
    right_id: UUID
    starts_on: date
    ends_on: date
    ended_at: datetime | None
    in_force: bool
    upheld: bool | None


class MandateView(BaseModel):
    """A mandate, as one of its sides or an agent sees it.

    `text` and `digest` are what the professional has to sign, as it reads now, while it is being signed. `received_at`:
    when nothing was missing any more, which is its place among those that wait.
    """

    mandate_id: UUID
    list_id: UUID | None
    state: State
    outcome: Settled | None
    decision_reason: str | None
    decision_reason_name: str | None
    organization: OrganizationView
    service: ServiceView
    profession: FunctionView
    role: FunctionView
    starts_on: date
    ends_on: date
    sides: list[SideView]
    text_version: int
    text: str | None
    digest: str | None
    submitted_at: datetime
    received_at: datetime | None
    lapses_on: date
    renews: UUID | None
    origin: Origin
    given: GivenView | None
    revoked_at: datetime | None


async def views(call: Call[Tools], connection: Connection, opened: Sequence[OpenedMandate]) -> list[MandateView]:
    """Some mandates, each for whoever looks at it."""
    found = [one.mandate for one in opened]
    persons = await descriptions(connection, [s.side_id for m in found for s in m.sides.values()])
    named = await names(connection, [o.request.organization_id for o in opened if o.request.organization_id])
    rights = await storage.rights(connection, [m.right_id for m in found if m.right_id])
    professionals = [o.mandate.professional.contact_id for o in opened if o.reader == "agent"]
    files = {
        contact.contact_id: contact
        for contact in await contacts.get_all(connection, [one for one in professionals if one is not None])
    }
    moment = call.tools.moment(call.gateway.unit.origin.clock())
    in_force = await storage.in_force(connection, moment, [m.relation_id for m in found if m.relation_id])
    upheld = await storage.upheld(connection, moment, [m.request_id for m in found if m.right_id])
    shown = []
    for one in opened:
        written = None
        if one.reader == "professional" and one.request.state == "signing":
            written = await read(connection, call.tools.agency, one.request, one.mandate, "professional")
        view = _view(call, one, persons, named, _given(one.mandate, rights, in_force), written)
        if view.given is not None and one.mandate.professional.contact_id is not None:
            view.given.upheld = view.mandate_id in upheld
        if one.reader == "agent":
            contact_id = one.mandate.professional.contact_id
            known = files.get(contact_id) if contact_id is not None else None
            view.sides = with_file(call.tools.agency, view.sides, known, call.language)
        shown.append(view)
    return shown


def _view(
    call: Call[Tools],
    one: OpenedMandate,
    persons: Mapping[UUID, Personal],
    named: Mapping[UUID, Named],
    given: GivenView | None,
    written: str | None,
) -> MandateView:
    agency, language, request, mandate = call.tools.agency, call.language, one.request, one.mandate
    day = call.tools.moment(call.gateway.unit.origin.clock()).day
    wanted = AskedMandate.model_validate(request.asked)
    assert request.organization_id is not None
    reason = agency.decision_reasons[request.decision_reason] if request.decision_reason else None
    seen: tuple[MandateSide, ...] = BOTH if one.reader == "agent" else (one.reader,)

    def function(code: str) -> FunctionView:
        return FunctionView(type=code, name=agency.relation_types[code].name.in_(language))

    return MandateView(
        mandate_id=request.request_id,
        list_id=mandate.list_id,
        state=request.state_on(day),
        outcome=request.outcome,
        decision_reason=request.decision_reason,
        decision_reason_name=reason.name.in_(language) if reason else None,
        organization=OrganizationView(
            organization_id=request.organization_id, name=named[request.organization_id].legal_name
        ),
        service=ServiceView(
            subject=wanted.subject, name=agency.subjects[wanted.subject].name.in_(language), level=wanted.level
        ),
        profession=function(wanted.profession),
        role=function(wanted.type),
        starts_on=wanted.starts_on,
        ends_on=last_day(wanted.period),
        sides=sides(mandate, persons, language, seen=seen),
        text_version=mandate.text_version,
        text=written,
        digest=None if written is None else text_digest(written),
        submitted_at=request.submitted_at,
        received_at=None if request.state == "signing" else request.received_at,
        lapses_on=request.lapses_on,
        renews=wanted.renews,
        origin=wanted.origin,
        given=given,
        revoked_at=mandate.revoked_at,
    )


def _given(mandate: Mandate, rights: Mapping[UUID, HeldRight], in_force: Collection[UUID]) -> GivenView | None:
    if mandate.contact_id is None or mandate.relation_id is None or mandate.right_id is None:
        return None
    right = rights[mandate.right_id]
    return GivenView(
        contact_id=mandate.contact_id,
        relation_id=mandate.relation_id,
        right_id=mandate.right_id,
        starts_on=right.period.starts_on,
        ends_on=last_day(right.period),
        ended_at=right.ended_at,
        in_force=right.right_id in in_force,
        upheld=None,
    )


class ItemView(BaseModel):
    """What became of one mandate that was asked for: its text to sign, or why it was refused."""

    mandate_id: UUID | None = None
    text: str | None = None
    digest: str | None = None
    problem: ProblemDetails | None = None


class ListView(BaseModel):
    """A list in the order in which it was asked for. `digest` stands for all of its texts: each is signed."""

    list_id: UUID
    items: list[ItemView]
    digest: str | None


async def list_view(call: Call[Tools], connection: Connection, list_id: UUID) -> ListView:
    """What became of a list."""
    kept_items = await storage.items_of(connection, list_id)
    ids = [UUID(kept["mandate_id"]) for kept in kept_items if "mandate_id" in kept]
    texts = dict(zip(ids, await read_all(connection, call.tools.agency, ids, "professional"), strict=True))
    items = []
    for kept in kept_items:
        if refused := kept.get("refused"):
            items.append(ItemView(problem=_problem(call, refused)))
            continue
        mandate_id = UUID(kept["mandate_id"])
        written = texts[mandate_id]
        items.append(ItemView(mandate_id=mandate_id, text=written, digest=text_digest(written)))
    digests = [item.digest for item in items if item.digest is not None]
    return ListView(list_id=list_id, items=items, digest=list_digest(digests) if digests else None)


def _problem(call: Call[Tools], kept: Mapping[str, Any]) -> ProblemDetails:
    following = Next(**kept["next"]) if kept["next"] else None
    refusal = Refusal(kept["code"], kept["parameters"], tuple(kept["fields"]), kept["retry_after"], following)
    return ProblemDetails.model_validate(said(refusal, call.language, call.texts))
