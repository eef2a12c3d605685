"""Following linking: which account is a contact from now on, or no more."""

from chassis.work import Work
from contracts.linking import ProfileLinked, ProfileUnlinked
from services.authorizations.accounts import storage as accounts
from services.authorizations.bindings import storage
from services.authorizations.contacts import storage as contacts
from services.authorizations.contacts.state import publish_state
from services.authorizations.managing.marks import note_ceased
from services.authorizations.tools import Tools


async def follow_link(work: Work[Tools], linked: ProfileLinked) -> None:
    """From now on the account is the contact, and its verified e-mail the contact's.

    A link that was made here and is another never stood: linking, which knew this one first, tells so too.
    """
    await accounts.lock(work.connection, linked.account_id)
    contradicted = await storage.made_here(work.connection, linked.contact_id, linked.link_id)
    recorded = await storage.link_recorded(work.connection, contradicted) if contradicted else None
    work.take_time(after=recorded)
    if contradicted is not None:
        await storage.void(work.connection, contradicted, work.now)
        await note_ceased(work, [linked.contact_id])
    new = await storage.bind(
        work.connection, linked.link_id, linked.account_id, linked.contact_id, linked.linked_at, work.now
    )
    if new and await contacts.lock(work.connection, linked.contact_id):
        await publish_state(work, linked.contact_id)


async def follow_unlink(work: Work[Tools], unlinked: ProfileUnlinked) -> None:
    """From that instant the account is no longer the contact, whose e-mail is again the one on file."""
    await accounts.lock(work.connection, unlinked.account_id)
    work.take_time(after=await storage.link_recorded(work.connection, unlinked.link_id))
    never_stood = unlinked.unlinked_at <= unlinked.linked_at
    ended = (
        await storage.void(work.connection, unlinked.link_id, work.now)
        if never_stood
        else await storage.unbind(
            work.connection,
            unlinked.link_id,
            unlinked.account_id,
            unlinked.contact_id,
            unlinked.linked_at,
            unlinked.unlinked_at,
            work.now,
        )
    )
    if ended and await contacts.lock(work.connection, unlinked.contact_id):
        await publish_state(work, unlinked.contact_id)
        await note_ceased(work, [unlinked.contact_id])
