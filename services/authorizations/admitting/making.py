"""Making a contact, inside the use case that decides it."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from chassis.outcomes import Refusal
from chassis.work import Work
from contracts.authorizations import ContactAdded
from services.authorizations.contacts import storage
from services.authorizations.contacts.domain import BoundBy
from services.authorizations.contacts.state import publish_state
from services.authorizations.managing.began import Because, grant_membership
from services.authorizations.organizations.handlers import record
from services.authorizations.periods import Period
from services.authorizations.personal import storage as personal_fields
from services.authorizations.personal.domain import Personal
from services.authorizations.relations.domain import Grant, NewRelation
from services.authorizations.tools import Tools


@dataclass(frozen=True)
class NewContact:
    """A contact about to be made. Without a `client_number` one is drawn from the agency's range.

    Without a `membership` that relation's id is drawn. One that an account was bound to in the same transaction, by a
    link and perhaps because of a claim, is sent no coordinates. `besides` as `Because` has it.
    """

    contact_id: UUID
    organization_id: UUID
    personal: Personal
    type: str
    period: Period
    grants: Sequence[Grant]
    client_number: str | None = None
    request_id: UUID | None = None
    membership: UUID | None = None
    bound: BoundBy | None = None
    claim_id: UUID | None = None
    besides: frozenset[UUID] = frozenset()


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
    await storage.add(work.connection, new.contact_id, new.organization_id, client_number, new.bound)
    await personal_fields.describe(work.connection, new.contact_id, new.personal)
    await record(work, ContactAdded, new.organization_id, contact_id=new.contact_id)
    relation = NewRelation(
        new.membership or work.new_id(), "contact", new.contact_id, new.organization_id, new.organization_id, new.type,
        new.period, request_id=new.request_id,
    )  # fmt: skip
    await grant_membership(work, relation, new.grants, Because(new.claim_id, tells_person=False, besides=new.besides))
    if new.bound is None:
        await storage.raise_generation(work.connection, new.contact_id, "normal")
    await publish_state(work, new.contact_id)
    work.audit("contact_added", organization_id=new.organization_id, object_id=new.contact_id)
    return None
