"""POST /v1/organizations/{id}/contacts."""

from datetime import date
from uuid import UUID

from fastapi import Response
from pydantic import BaseModel, Field

from chassis.fields import Reference
from chassis.gateway import ONCE, router
from chassis.versions import etag
from contracts.imports import ClientNumber
from contracts.problems import word
from services.authorizations.additions.handlers import AddContact, OpenAdded, add_contact, open_added
from services.authorizations.bodies import Attachments, GrantingBody, Grants, PersonBody, grants
from services.authorizations.contacts import views
from services.authorizations.contacts.handlers import OpenedContact
from services.authorizations.contacts.views import ContactView
from services.authorizations.instants import today
from services.authorizations.profile import AuthorizationsCall, Profile, as_profile
from services.authorizations.requests.domain import Request

routes = router()


class ContactBody(GrantingBody):
    """The form "Ajouter une relation ou des sujets autorisés", box "Le contact n'existe pas" ticked.

    A `client_number` says that the agency knows the person already; then an agent validates.
    """

    contact: PersonBody
    client_number: ClientNumber | None = None
    attachments: Attachments = Field(default_factory=list[UUID])
    type: Reference
    subjects: Grants


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
    made = await call.make(
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
        response.headers["Location"] = f"/v1/requests/{added.request_id}"
        message = word("contact_under_review", call.language, date=added.lapses_on.isoformat())
        return UnderReviewView(request_id=added.request_id, lapses_on=added.lapses_on, message=message)
    response.headers["Location"] = f"/v1/contacts/{added.contact.contact_id}"
    response.headers["ETag"] = etag(added.contact.version)
    return AddedView(**dict(views.view(call, added)), message=call.texts.word("contact_was_added", call.language))
