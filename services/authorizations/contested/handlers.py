"""A refused link goes to an agent once; the decision keeps the link that stood in the way, or ends it."""

from chassis.outcomes import Refusal
from chassis.work import Work
from contracts.linking import LinkRefused
from services.authorizations.access import storage as access
from services.authorizations.bindings import storage as bindings
from services.authorizations.contacts import storage as contacts
from services.authorizations.contacts.state import publish_state
from services.authorizations.contested import mails, storage
from services.authorizations.contested.domain import MOST_OPEN, QUIET, AskedLink
from services.authorizations.managing.marks import note_ceased
from services.authorizations.organizations import storage as organizations
from services.authorizations.requests.domain import Decision, Request, Told
from services.authorizations.requests.submitting import Ask, submit
from services.authorizations.tools import Tools


async def follow_refusal(work: Work[Tools], refused: LinkRefused) -> None:
    """Ask an agent where the secret was right, once for each account that tries to become the contact."""
    if refused.reason not in ("already_linked", "other_profile_here"):
        return
    contact = await contacts.get_present(work.connection, refused.contact_id)
    if contact is None:
        return
    await organizations.lock(work.connection, [contact.organization_id])
    work.take_time()
    if await storage.is_linked(work.connection, refused.contact_id, refused.account_id):
        return
    waiting, is_told = await storage.asked(
        work.connection, refused.contact_id, refused.account_id, work.today, work.now - QUIET
    )
    if is_told or waiting >= MOST_OPEN:
        return
    asked = AskedLink(
        contact_id=refused.contact_id,
        account_id=refused.account_id,
        obstacle=refused.reason,
        method=refused.method,
    )
    await submit(
        work,
        Ask(work.new_id(), "review", asked, None, organization_id=contact.organization_id, reason="contested"),
    )


async def refuse_strangers(work: Work[Tools], request: Request) -> Refusal | None:
    """Both accounts are told of a decision: nothing is decided before the service has heard who they are."""
    asked = AskedLink.model_validate(request.asked)
    link = await storage.obstacle(work.connection, asked)
    concerned = {asked.account_id} | ({link.account_id} if link else set())
    heard_of = await access.all_heard_of(work.connection, concerned)
    return None if heard_of else Refusal("account_not_yet_known", retry_after=1)


async def end_obstacle(work: Work[Tools], request: Request, decision: Decision) -> Refusal | None:
    """Approved: the link in the way ends here and now, linking learns it, and new coordinates go to the file's address.

    The decision names the link that the agent saw, because another may stand there by now.
    Not to the account that tried: whoever reads the mail of the address on file can link, with whatever account.
    """
    asked = AskedLink.model_validate(request.asked)
    link = await storage.obstacle(work.connection, asked)
    if decision.link_id is None:
        return Refusal("link_required", fields=("link_id",))
    if link is None or link.link_id != decision.link_id:
        return Refusal("no_link_in_the_way", fields=("link_id",))
    work.take_time(after=await bindings.link_recorded(work.connection, link.link_id))
    await bindings.unbind(
        work.connection, link.link_id, link.account_id, link.contact_id, link.linked_at, work.now, work.now
    )
    await storage.note_end(work.connection, link.contact_id, link.link_id)
    await note_ceased(work, [link.contact_id])
    await contacts.raise_generation(work.connection, asked.contact_id, "normal")
    for contact_id in sorted({asked.contact_id, link.contact_id}):
        await publish_state(work, contact_id)
    work.audit(
        "link_ended",
        organization_id=request.organization_id,
        object_id=link.contact_id,
        link_id=str(link.link_id),
    )
    await mails.reviewed(work, request, {asked.account_id, link.account_id}, ended_at=work.now)
    return None


async def tell(work: Work[Tools], request: Request, outcome: Told, reason: str | None) -> None:
    """Both accounts are told that what stood stays; what has ended was told as it did.

    Of a review that ended alone who tried is told, unless that account is the contact by now.
    """
    asked = AskedLink.model_validate(request.asked)
    if outcome in ("lapse", "withdraw"):
        if not await storage.is_linked(work.connection, asked.contact_id, asked.account_id):
            lapsed_on = request.lapses_on if outcome == "lapse" else None
            await mails.not_reviewed(work, request, asked.account_id, lapsed_on)
    elif outcome == "reject":
        link = await storage.obstacle(work.connection, asked)
        accounts = {asked.account_id} | ({link.account_id} if link else set())
        await mails.reviewed(work, request, accounts, reason=reason or "")
