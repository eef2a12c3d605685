"""Asking agents to look at somebody before, or instead of, an addition that takes effect at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from chassis.work import Work
from services.authorizations.access.domain import Acting
from services.authorizations.contacts import storage as contacts
from services.authorizations.organizations import storage as organizations
from services.authorizations.periods import Period
from services.authorizations.personal import storage as personal_fields
from services.authorizations.personal.domain import Personal
from services.authorizations.relations.domain import Grant
from services.authorizations.requests.domain import AskedGrants
from services.authorizations.requests.submitting import Ask, submit
from services.authorizations.reviews import storage
from services.authorizations.reviews.candidates import elsewhere
from services.authorizations.reviews.domain import AskedComparison, AskedContact, AskedManager, Candidate
from services.authorizations.tools import Tools


@dataclass(frozen=True)
class DoubtfulContact:
    """A contact that somebody wants to add, who may be one of the candidates, or says to have a client number."""

    organization_id: UUID
    personal: Personal
    type: str
    period: Period
    grants: Sequence[Grant]
    client_number: str | None
    candidates: Sequence[Candidate]


async def ask_for_review(work: Work[Tools], by: Acting, request_id: UUID, contact: DoubtfulContact) -> UUID:
    """Let an agent decide whether it is somebody new. Call it with the organization locked. Returns the request's id.

    An approval makes the contact as asked; a merge gives what was asked to the candidate whom the decision names.
    """
    await personal_fields.describe(work.connection, request_id, contact.personal)
    asked = AskedContact(
        type=contact.type,
        starts_on=contact.period.starts_on,
        ends_on=contact.period.ends_on,
        grants=AskedGrants.rights(contact.grants),
        client_number=contact.client_number,
        candidates=tuple(contact.candidates),
    )
    return await submit(
        work,
        Ask(request_id, "review", asked, by, organization_id=contact.organization_id, reason="duplicate"),
    )


async def compare_elsewhere(work: Work[Tools], contact_id: UUID) -> None:
    """A contact who was added at once, and looks like one of another organization, goes to an agent: the platform asks.

    Whoever added the person is not told, and sees no request.
    """
    contact = await contacts.get(work.connection, contact_id)
    if contact is None or not await storage.take_comparison(work.connection, contact_id):
        return
    await organizations.lock(work.connection, [contact.organization_id])
    work.take_time()
    personal = (await personal_fields.descriptions(work.connection, [contact_id])).get(contact_id)
    alike = await elsewhere(work, contact.organization_id, personal) if personal else []
    if alike:
        asked = AskedComparison(contact_id=contact_id, candidates=tuple(alike))
        ask = Ask(
            work.new_id(), "review", asked, None, organization_id=contact.organization_id, reason="known_elsewhere"
        )
        await submit(work, ask)


async def ask_for_manager(work: Work[Tools], organization_id: UUID) -> None:
    """An organization for which nobody can act any more goes to an agent, once for each time that it is left alone."""
    await organizations.lock(work.connection, [organization_id])
    work.take_time()
    moment, managing = work.tools.moment(work.now), work.tools.managing_types
    for left in await storage.left_unmanaged(work.connection, moment, managing, 1, organization_id):
        asked = AskedManager(type=left.type)
        ask = Ask(work.new_id(), "review", asked, None, organization_id=organization_id, reason="unmanaged")
        await submit(work, ask)
