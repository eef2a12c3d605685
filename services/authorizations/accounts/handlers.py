"""Following what accounts tells."""

from uuid import UUID

from chassis.tokens import revoke
from chassis.work import Work
from contracts.accounts import Person, SessionsRevoked
from services.authorizations.accounts import storage
from services.authorizations.accounts.telling import tell_mandators
from services.authorizations.contacts.state import publish_state
from services.authorizations.managing.marks import note_ceased
from services.authorizations.signatures import handlers as signatures
from services.authorizations.statuses import last_status, set_status
from services.authorizations.tools import Tools


async def follow_account(work: Work[Tools], person: Person) -> None:
    """Keep the newest state of an account: its verified e-mail is that of the contacts it is bound to."""
    await storage.lock(work.connection, person.account_id)
    await revoke(work.connection, person.account_id, None, person.epoch)
    if not await storage.keep_newest(work.connection, person):
        return
    was_active = await last_status(work.connection, person.account_id)
    await set_status(work.connection, person.account_id, person.status == "active", person.status_since, work.now)
    contact_ids = await storage.contacts_of(work.connection, person.account_id)
    for contact_id in contact_ids:
        await publish_state(work, contact_id)
    if person.status != "active":
        await note_ceased(work, contact_ids)
    if was_active is not None and was_active != (person.status == "active"):
        await tell_mandators(work, person, contact_ids)


async def forget_account(work: Work[Tools], account_id: UUID) -> None:
    """Erase what is known of the account's person; it may act for nobody from now on."""
    await storage.lock(work.connection, account_id)
    await storage.forget(work.connection, account_id)
    await signatures.erase_account(work, account_id)
    await set_status(work.connection, account_id, False, work.now, work.now)
    contact_ids = await storage.contacts_of(work.connection, account_id)
    forgotten = await storage.forget_credentials(work.connection, account_id)
    for contact_id in sorted({*contact_ids, *forgotten}):
        await publish_state(work, contact_id)
    await note_ceased(work, contact_ids)
    work.audit("account_forgotten", object_id=account_id)


async def end_sessions(work: Work[Tools], revoked: SessionsRevoked) -> None:
    """A session, or every session before an epoch, is over here too."""
    await revoke(work.connection, revoked.account_id, revoked.session_id, revoked.epoch)
