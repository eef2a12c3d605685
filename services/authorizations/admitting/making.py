"""Making a contact, inside the use case that decides it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from chassis.outcomes import Refusal
from chassis.work import Work
from contracts.authorizations import ContactAdded
from services.authorizations.contacts import storage
from services.authorizations.contacts.domain import BoundBy
from services.authorizations.contacts.state import publish_state
from services.authorizations.managing.began import grant_membership
from services.authorizations.managing.domain import TOLD_OTHERWISE, Because
from services.authorizations.organizations.handlers import record
from services.authorizations.periods import Period
from services.authorizations.personal import storage as personal_fields
from services.authorizations.personal.domain import Personal
from services.authorizations.relations.domain import Grant, NewRelation
from services.authorizations.tools import Tools

Link = BoundBy | Literal["coordinates", "credential", "none"]
"""How a new contact comes to be linked: to the account that was bound to it in the same transaction; by a linking code
that goes to its address by mail; to an account that is opened for it; or by nothing that is done here."""


@dataclass(frozen=True)
class NewContact:
    """A contact about to be made. Without a `client_number` one is drawn from the agency's range.

    Without a `membership` that relation's id is drawn. Who is made a contact is told so in other words than `because`.
    """

    contact_id: UUID
    organization_id: UUID
    personal: Personal
    type: str
    period: Period
    grants: Sequence[Grant]
    link: Link
    client_number: str | None = None
    request_id: UUID | None = None
    membership: UUID | None = None
    because: Because = TOLD_OTHERWISE


def by_mail(work: Work[Tools]) -> Link:
    """By coordinates, where the agency has people linked by them."""
    return "coordinates" if "linking_coordinates" in work.tools.agency.features else "none"


async def make_contact(work: Work[Tools], new: NewContact) -> Refusal | None:
    """Make a contact with its membership, and ask for its coordinates. Call it with the organization locked."""
    numbers = work.tools.agency.profile.client_numbers
    client_number = new.client_number
    if client_number is None:
        client_number = await storage.draw_client_number(work.connection, numbers.first, numbers.last)
    elif await storage.find(work.connection, new.organization_id, client_number):
        return Refusal("already_held", fields=("client_number",))
    if client_number is None:
        return Refusal("client_numbers_used_up")
    bound = new.link if isinstance(new.link, BoundBy) else None
    await storage.add(work.connection, new.contact_id, new.organization_id, client_number, bound)
    await personal_fields.describe(work.connection, new.contact_id, new.personal)
    await record(work, ContactAdded, new.organization_id, contact_id=new.contact_id)
    relation = NewRelation(
        new.membership or work.new_id(), "contact", new.contact_id, new.organization_id, new.organization_id, new.type,
        new.period, request_id=new.request_id,
    )  # fmt: skip
    await grant_membership(work, relation, new.grants, new.because)
    if new.link == "coordinates":
        await storage.raise_generation(work.connection, new.contact_id, "normal")
    await publish_state(work, new.contact_id)
    work.audit("contact_added", organization_id=new.organization_id, object_id=new.contact_id)
    return None
