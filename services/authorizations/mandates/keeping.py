"""The account of a delegate who was signed in while signing: kept, and bound to the contact that is given the right."""

from uuid import UUID

from chassis.outcomes import Refusal
from chassis.work import Work
from contracts.agency.linking import CREDENTIAL
from services.authorizations.accounts import storage as accounts
from services.authorizations.admitting.domain import REFUSALS, Admission
from services.authorizations.admitting.handlers import join, refuse_admission
from services.authorizations.bindings import storage as bindings
from services.authorizations.contacts import storage as contacts
from services.authorizations.contacts.domain import BoundBy
from services.authorizations.mandates.domain import Mandate
from services.authorizations.tools import Tools


async def account_to_bind(
    work: Work[Tools], organization_id: UUID, mandate: Mandate, contact_id: UUID | None
) -> UUID | Refusal | None:
    """The account that the delegate's contact is to be from now on; None: it is one already, or accounts gives it one.

    Call it with the organization locked; it locks the account. `contact_id`: of whom is known there already.
    """
    account_id = mandate.delegate.account_id
    if account_id is None:
        return None
    contact = await contacts.get(work.connection, contact_id) if contact_id is not None else None
    if contact is not None and (contact.linked or contact.credential_generation > 0):
        return None
    await accounts.lock(work.connection, account_id)
    work.take_time()
    obstacle = await refuse_admission(work, organization_id, account_id)
    return REFUSALS[obstacle] if obstacle is not None else account_id


async def bind(work: Work[Tools], account_id: UUID, contact_id: UUID) -> BoundBy:
    """Make the account a contact that is about to be made; linking learns of it by the contact's state."""
    bound = BoundBy(work.new_id(), CREDENTIAL)
    await bindings.bind(work.connection, bound.link_id, account_id, contact_id, work.now, work.now)
    return bound


async def become(work: Work[Tools], account_id: UUID, contact_id: UUID, request_id: UUID) -> None:
    """Make the account a contact that exists, and that nobody is yet."""
    contact = await contacts.get(work.connection, contact_id)
    assert contact is not None
    refusal = await join(work, contact, account_id, None, Admission(CREDENTIAL, request_id))
    assert refusal is None  # nothing is given that could be held
