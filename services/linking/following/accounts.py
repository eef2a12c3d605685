"""Following what accounts tells: who an account is, and the sessions that ended."""

from uuid import UUID

from chassis.tokens import revoke
from chassis.work import Work
from contracts.accounts import CredentialIssued, SessionsRevoked
from contracts.accounts import Person as AccountState
from services.linking.accounts import storage
from services.linking.bindings import credentials
from services.linking.bindings import storage as bindings
from services.linking.contacts.storage import lock_contact
from services.linking.links.giving import link_given
from services.linking.links.handlers import end_link_of
from services.linking.organizations.storage import lock_organization
from services.linking.tools import Tools


async def end_sessions(work: Work[Tools], revoked: SessionsRevoked) -> None:
    """Tokens of the ended sessions are no longer taken here."""
    await revoke(work.connection, revoked.account_id, revoked.session_id, revoked.epoch)


async def follow_account(work: Work[Tools], state: AccountState) -> None:
    """Know the account's person; its epoch also ends older sessions, should their event have been missed."""
    if await storage.keep_account(work.connection, state):
        await revoke(work.connection, state.account_id, None, state.epoch)


async def follow_credential(work: Work[Tools], issued: CredentialIssued) -> None:
    """Link the contact to the account that it was given; where its state has yet to arrive, that does so.

    The organization's lock keeps the two from missing each other. Only a newer generation does anything: what is told
    of two accounts may come in any order.
    """
    await lock_organization(work.connection, issued.organization_id)
    contact = await lock_contact(work.connection, issued.contact_id)
    if not await credentials.keep(work.connection, issued):
        return
    work.take_time()
    if contact is not None:
        await link_given(work, contact)


async def forget_account(work: Work[Tools], account_id: UUID) -> None:
    """Erase what is known of the account's person, and end its links, so that who comes back may be its contacts anew.

    Links stay, as ids.
    """
    await storage.forget_account(work.connection, account_id)
    for contact_id in sorted(await bindings.contacts_linked(work.connection, account_id)):
        await lock_contact(work.connection, contact_id)
        if link_id := await bindings.link_of(work.connection, contact_id):
            await end_link_of(work, contact_id, link_id)
    work.audit("account_forgotten", object_id=account_id)
