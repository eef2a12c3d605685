"""The rows of the three lists, as the guide shows them."""

from datetime import date
from uuid import UUID

from pydantic import BaseModel, Field

from contracts.authorizations import Telephone
from contracts.events import Level
from services.authorizations.answers import OrganizationView


class ListedContactView(BaseModel):
    """A row of the list "Contacts de l'organisation"."""

    contact_id: UUID
    family_name: str
    given_name: str
    email: str | None
    telephones: list[Telephone]
    active: bool


class RelationView(BaseModel):
    """A row of the list "Relations de l'organisation"."""

    relation_id: UUID
    organization: OrganizationView
    type: str
    type_name: str = Field(examples=["a comme firme comptable ou serv. de paie"])
    related_organization: OrganizationView
    starts_on: date
    ends_on: date
    active: bool


class ContactNameView(BaseModel):
    """A contact as the list of authorizations names it."""

    contact_id: UUID
    family_name: str
    given_name: str


class AuthorizationView(BaseModel):
    """A row of the list "Autorisations". The organization's own authorizations have no contact and no function.

    The days are those that relation and right share, absent where there is none. `why_not_delegable` stands in an
    organization's own row of a subject that nobody has through it: its members may be the client's own contacts.
    `mandate_id`: the mandate that gave it; null where it was given otherwise.
    """

    right_id: UUID
    relation_id: UUID
    subject: str
    subject_name: str
    level: Level
    level_name: str
    why_not_delegable: str | None
    organization: OrganizationView
    holder_organization: OrganizationView
    contact: ContactNameView | None
    function: str | None
    starts_on: date | None
    ends_on: date | None
    active: bool
    mandate_id: UUID | None
