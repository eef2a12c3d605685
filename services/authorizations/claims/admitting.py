"""An account becomes a contact of an organization: file, function and binding in one transaction."""

from dataclasses import dataclass
from uuid import UUID

from chassis.outcomes import Refusal, Transient
from chassis.work import Work
from contracts.authorizations import AdministratorAppointed
from services.authorizations.bindings import storage as bindings
from services.authorizations.claims import mails
from services.authorizations.contacts import storage as contacts
from services.authorizations.contacts.domain import BoundBy, ContactFile
from services.authorizations.contacts.making import NewContact, make_contact
from services.authorizations.contacts.state import publish_state
from services.authorizations.managing.marks import note_changed
from services.authorizations.managing.questions import is_held
from services.authorizations.organizations.handlers import record
from services.authorizations.periods import Period
from services.authorizations.personal.storage import descriptions
from services.authorizations.relations import domain as rules
from services.authorizations.relations import storage as relations
from services.authorizations.relations.domain import NewRelation
from services.authorizations.relations.recording import grant_relation, grant_rights
from services.authorizations.requests.domain import GivenAccess
from services.authorizations.tools import Tools


@dataclass(frozen=True)
class ByClaim:
    """Why an account becomes a contact: its claim, by which linking method, and the request that others approved."""

    claim_id: UUID | None
    method: str
    request_id: UUID | None = None


async def admit(
    work: Work[Tools],
    organization_id: UUID,
    account_id: UUID,
    access: GivenAccess,
    by: ByClaim,
) -> UUID:
    """Make the account a contact with this access; linking learns of the link by the contact's state.

    Call it with organization and account locked, once it is known that the account may. Returns the contact's id.
    Raises Transient when the agency's range of client numbers is used up.
    """
    contact_id, membership, bound = work.new_id(), work.new_id(), BoundBy(work.new_id(), by.method)
    is_first = not await is_held(work, organization_id)
    personal = (await descriptions(work.connection, [account_id]))[account_id]
    await bindings.bind(work.connection, bound.link_id, account_id, contact_id, work.now, work.now)
    new = NewContact(
        contact_id, organization_id, personal, access.type, access.period, [], request_id=by.request_id,
        membership=membership, bound=bound,
    )  # fmt: skip
    refusal = await make_contact(work, new)
    if refusal is not None:
        raise Transient(refusal.code)
    await _grant(work, organization_id, membership, access, by)
    await _tell_appointed(work, organization_id, contact_id, membership, access, by, is_first=is_first)
    return contact_id


async def join(
    work: Work[Tools],
    contact: ContactFile,
    account_id: UUID,
    access: GivenAccess | None,
    by: ByClaim,
) -> Refusal | None:
    """Make the account a contact that exists, and that nobody is yet; with this access, where it is given more.

    Call it as `admit`. Refusal: already_held.
    """
    organization_id, contact_id, membership = contact.organization_id, contact.contact_id, work.new_id()
    bound = BoundBy(work.new_id(), by.method)
    is_first = not await is_held(work, organization_id)
    if access is not None:
        new = NewRelation(
            membership, "contact", contact_id, organization_id, organization_id, access.type, access.period,
            request_id=by.request_id,
        )  # fmt: skip
        if await relations.overlaps(work.connection, new):
            return Refusal("already_held", fields=("access",))
        await grant_relation(work, new, [])
        await _grant(work, organization_id, membership, access, by)
    await bindings.bind(work.connection, bound.link_id, account_id, contact_id, work.now, work.now)
    await contacts.note_bound(work.connection, contact_id, bound)
    await publish_state(work, contact_id)
    work.audit("contact_claimed", organization_id=organization_id, object_id=contact_id)
    if access is not None:
        await _tell_appointed(work, organization_id, contact_id, membership, access, by, is_first=is_first)
    return None


async def _grant(work: Work[Tools], organization_id: UUID, membership: UUID, access: GivenAccess, by: ByClaim) -> None:
    for chosen in access.subjects:
        period: Period | None = access.period
        if chosen.period is not None:
            period = rules.within(chosen.period, access.period)
        assert period is not None  # looked at before
        await grant_rights(work, organization_id, membership, period, [chosen.grant], by.request_id)


async def _tell_appointed(
    work: Work[Tools],
    organization_id: UUID,
    contact_id: UUID,
    membership: UUID,
    access: GivenAccess,
    by: ByClaim,
    *,
    is_first: bool,
) -> None:
    """Who manages from today on is an administrator; whom an agent admits decides what waited for agents until then."""
    if not work.tools.relation_type(access.type).manages:
        return
    fact = {"contact_id": contact_id, "relation_id": membership, "claim_id": by.claim_id}
    await record(work, AdministratorAppointed, organization_id, **fact)
    work.audit("administrator_appointed", organization_id=organization_id, object_id=contact_id)
    await note_changed(work, organization_id)
    if not is_first or not access.period.contains(work.today):
        return
    await mails.notice(work, organization_id, contact_id, membership, access.type)
