"""An account becomes a contact of an organization: file, function and binding in one transaction."""

from collections.abc import Collection
from uuid import UUID

from chassis.outcomes import Refusal, Transient
from chassis.work import Work
from services.authorizations.admitting.domain import Admission, Obstacle
from services.authorizations.admitting.making import NewContact, make_contact
from services.authorizations.bindings import storage as bindings
from services.authorizations.blocked import keeps_account_out
from services.authorizations.contacts import storage as contacts
from services.authorizations.contacts.domain import BoundBy, ContactFile
from services.authorizations.contacts.state import publish_state
from services.authorizations.managing.began import grant_membership
from services.authorizations.periods import Period
from services.authorizations.personal.storage import descriptions
from services.authorizations.relations import domain as rules
from services.authorizations.relations import storage as relations
from services.authorizations.relations.domain import NewRelation
from services.authorizations.relations.recording import grant_rights
from services.authorizations.requests.domain import GivenAccess
from services.authorizations.statuses import is_active
from services.authorizations.tools import Tools


async def refuse_admission(
    work: Work[Tools], organization_id: UUID, account_id: UUID, *, lifting: Collection[UUID] = ()
) -> Obstacle | None:
    """Why an account may not become a contact of an organization; None when it may. `lifting`: blocks about to end.

    The one place that says so: for a claim, for the approval of what it asked, for an invitation. Call it with both
    locked.
    """
    if not await is_active(work.connection, account_id):
        return "account_inactive"
    if not await is_active(work.connection, organization_id):
        return "organization_inactive"
    if await keeps_account_out(work.connection, organization_id, account_id, work.now, lifting):
        return "blocked"
    if await contacts.of_account(work.connection, organization_id, account_id):
        return "contact_already"
    return None


async def admit(
    work: Work[Tools],
    organization_id: UUID,
    account_id: UUID,
    access: GivenAccess,
    by: Admission,
) -> UUID:
    """Make the account a contact with this access; linking learns of the link by the contact's state.

    Call it with organization and account locked, once it is known that the account may. Returns the contact's id.
    Raises Transient when the agency's range of client numbers is used up.
    """
    contact_id, membership, bound = work.new_id(), work.new_id(), BoundBy(work.new_id(), by.method)
    personal = (await descriptions(work.connection, [account_id]))[account_id]
    await bindings.bind(work.connection, bound.link_id, account_id, contact_id, work.now, work.now)
    new = NewContact(
        contact_id, organization_id, personal, access.type, access.period, [], link=bound, request_id=by.request_id,
        membership=membership, because=by.because,
    )  # fmt: skip
    refusal = await make_contact(work, new)
    if refusal is not None:
        raise Transient(refusal.code)
    await _grant(work, organization_id, membership, access, by)
    return contact_id


async def join(
    work: Work[Tools],
    contact: ContactFile,
    account_id: UUID,
    access: GivenAccess | None,
    by: Admission,
) -> Refusal | None:
    """Make the account a contact that exists, and that nobody is yet; with this access, where it is given more.

    Call it as `admit`. Refusal: already_held.
    """
    organization_id, contact_id, membership = contact.organization_id, contact.contact_id, work.new_id()
    bound, new = BoundBy(work.new_id(), by.method), None
    if access is not None:
        new = NewRelation(
            membership, "contact", contact_id, organization_id, organization_id, access.type, access.period,
            request_id=by.request_id,
        )  # fmt: skip
        if await relations.overlaps(work.connection, new):
            return Refusal("already_held", fields=("access",))
    await bindings.bind(work.connection, bound.link_id, account_id, contact_id, work.now, work.now)
    await contacts.note_bound(work.connection, contact_id, bound)
    if access is not None and new is not None:
        await grant_membership(work, new, [], by.because)
        await _grant(work, organization_id, membership, access, by)
    await publish_state(work, contact_id)
    work.audit("contact_claimed", organization_id=organization_id, object_id=contact_id)
    return None


async def _grant(
    work: Work[Tools], organization_id: UUID, membership: UUID, access: GivenAccess, by: Admission
) -> None:
    for chosen in access.subjects:
        period: Period | None = access.period
        if chosen.period is not None:
            period = rules.within(chosen.period, access.period)
        assert period is not None  # looked at before
        await grant_rights(work, organization_id, membership, period, [chosen.grant], by.request_id)
