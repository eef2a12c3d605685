"""POST /v1/organizations/{id}/contacts, GET /v1/contacts/{id}."""

from datetime import date, datetime
from itertools import groupby
from typing import Annotated, Any
from uuid import UUID

from fastapi import Response
from pydantic import BaseModel, Field

from chassis.fields import Body, Email, Name, Reference
from chassis.gateway import ONCE, Call, router
from chassis.versions import etag
from contracts.authorizations import Telephone
from contracts.events import Language, Level
from contracts.imports import ClientNumber
from contracts.problems import word
from services.authorizations.access.domain import Entitlement
from services.authorizations.contacts.handlers import (
    AddContact,
    OpenAdded,
    OpenContact,
    OpenedContact,
    add_contact,
    open_added,
    open_contact,
)
from services.authorizations.contacts.storage import Personal
from services.authorizations.granting import Attachments, GrantingBody, Grants, OrganizationView, grants, last_day
from services.authorizations.paging import today
from services.authorizations.periods import Period
from services.authorizations.profile import Asking, AuthorizationsCall, Profile, as_profile
from services.authorizations.requests.domain import Request
from services.authorizations.tools import Tools

routes = router()


class TelephoneBody(Body):
    """A telephone number with its country code (ITU-T E.164)."""

    kind: Annotated[str, Field(pattern="^(mobile|work|home|other)$")]
    number: Annotated[str, Field(pattern=r"^\+[1-9][0-9]{6,14}$", examples=["+15145550100"])]


class PersonBody(Body):
    """The personal information of the guide's form."""

    family_name: Name
    given_name: Name
    email: Email
    telephones: Annotated[list[TelephoneBody], Field(max_length=10)] = Field(default_factory=list[TelephoneBody])
    language: Language

    def personal(self) -> Personal:
        """The same as a row keeps it."""
        telephones = [Telephone.model_validate(telephone.model_dump()) for telephone in self.telephones]
        return Personal(self.family_name, self.given_name, self.email, telephones, self.language)


class ContactBody(GrantingBody):
    """The form "Ajouter une relation ou des sujets autorisés", box "Le contact n'existe pas" ticked.

    A `client_number` says that the agency knows the person already; then an agent validates.
    """

    contact: PersonBody
    client_number: ClientNumber | None = None
    attachments: Attachments = Field(default_factory=list[UUID])
    type: Reference
    subjects: Grants


class HeldRightView(BaseModel):
    """A right of a relation. The days are those that both share, absent where there is none."""

    right_id: UUID
    subject: str
    subject_name: str
    level: Level
    level_name: str
    starts_on: date | None
    ends_on: date | None
    active: bool


class HeldRelationView(BaseModel):
    """A relation of the contact: what it is called in lists, to which organization, and whether it is in force.

    With `all_subjects` it carries whatever its firm's relation does, and has no `rights` of its own.
    """

    relation_id: UUID
    type: str
    function: str
    organization: OrganizationView
    through: UUID | None
    membership: UUID | None
    all_subjects: bool
    rights: list[HeldRightView]
    starts_on: date
    ends_on: date
    ended_at: datetime | None
    active: bool


class ContactView(BaseModel):
    """One contact, opened."""

    contact_id: UUID
    organization_id: UUID
    client_number: str
    family_name: str
    given_name: str
    email: str | None
    telephones: list[Telephone]
    language: Language
    linked: bool
    active: bool
    relations: list[HeldRelationView]


class AddedView(ContactView):
    """The new contact, and in words what happens next."""

    message: str


class UnderReviewView(BaseModel):
    """An agent decides first, at the latest on `lapses_on`; `message` says so in words."""

    request_id: UUID
    lapses_on: date
    message: str


@routes.post(
    "/v1/organizations/{organization_id}/contacts",
    dependencies=[ONCE],
    status_code=201,
    summary="Add a contact who does not exist yet",
    responses={
        202: {"model": UnderReviewView, "description": "An agent decides, because the person may be known already."},
        429: {"description": "too_many_attempts: wait as long as Retry-After says."},
    },
)
async def post_contact(
    organization_id: UUID, body: ContactBody, acting: Profile, call: AuthorizationsCall, response: Response
) -> AddedView | UnderReviewView:
    """The contact receives linking coordinates by mail (201), or may be known already, and an agent decides (202).

    Honours Idempotency-Key; answers Mandat-After.
    """
    made = await call.create(
        add_contact,
        AddContact(
            by=as_profile(acting),
            organization_id=organization_id,
            personal=body.contact.personal(),
            type=body.type,
            period=body.period(today(call)),
            grants=grants(body.subjects),
            ticked=body.ticked(call.language),
            language=call.language,
            client_number=body.client_number,
            attachments=body.attachments,
        ),
    )
    added: OpenedContact | Request = await call.run(open_added, OpenAdded(acting, organization_id, made))
    if isinstance(added, Request):
        response.status_code = 202
        response.headers["Location"] = f"/v1/requests/{made}"
        message = word("contact_under_review", call.language, date=added.lapses_on.isoformat())
        return UnderReviewView(request_id=made, lapses_on=added.lapses_on, message=message)
    response.headers["Location"] = f"/v1/contacts/{made}"
    view = _view(call, added, response)
    return AddedView(**dict(view), message=word("contact_was_added", call.language))


@routes.get("/v1/contacts/{contact_id}", summary="One contact, opened")
async def get_contact(contact_id: UUID, asker: Asking, call: AuthorizationsCall, response: Response) -> ContactView:
    """All its fields, relations and rights, ended ones too, and whether an account is linked. ETag for later changes.

    Another person's file: the look is audited.
    """
    return _view(call, await call.run(open_contact, OpenContact(contact_id, asker.acting)), response)


def _view(call: Call[Tools], opened: OpenedContact, response: Response) -> ContactView:
    contact = opened.contact
    response.headers["ETag"] = etag(contact.version)
    rights = {key: list(some) for key, some in groupby(opened.rights, key=lambda chain: chain.relation_id)}
    views = [_held(call, row, rights.get(row["relation_id"], [])) for row in opened.relations]
    return ContactView(
        contact_id=contact.contact_id,
        organization_id=contact.organization_id,
        client_number=contact.client_number,
        family_name=contact.family_name,
        given_name=contact.given_name,
        email=contact.email,
        telephones=list(contact.telephones),
        language=contact.language,
        linked=contact.linked,
        active=any(view.active and view.through is None for view in views),
        relations=views,
    )


def _held(call: Call[Tools], row: dict[str, Any], rights: list[Entitlement]) -> HeldRelationView:
    valid = Period.stored(row["valid"])
    return HeldRelationView(
        relation_id=row["relation_id"],
        type=row["type"],
        function=call.tools.relation_type(row["function"]).name.in_(call.language),
        organization=OrganizationView(organization_id=row["organization_id"], name=row["organization_name"]),
        through=row["through"],
        membership=row["membership"],
        all_subjects=row["all_rights"],
        rights=[_right(call, chain) for chain in rights],
        starts_on=valid.starts_on,
        ends_on=last_day(valid),
        ended_at=row["ended_at"],
        active=row["active"],
    )


def _right(call: Call[Tools], chain: Entitlement) -> HeldRightView:
    return HeldRightView(
        right_id=chain.right_id,
        subject=chain.subject,
        subject_name=call.tools.agency.subjects[chain.subject].name.in_(call.language),
        level=chain.level,
        level_name=word(f"level_{chain.level}", call.language),
        starts_on=chain.valid and chain.valid.starts_on,
        ends_on=chain.valid and last_day(chain.valid),
        active=chain.holds,
    )
