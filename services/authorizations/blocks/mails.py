"""Who is kept out is told so, and told when it ends."""

from uuid import UUID

from chassis.work import Work
from contracts.notifications import AccessBlockedMail, AccessUnblockedMail, Contents
from services.authorizations import mail_budgets, mailing
from services.authorizations.blocks.domain import Block, Concerned
from services.authorizations.contacts import storage as contacts
from services.authorizations.contacts.domain import ContactFile
from services.authorizations.organizations import storage as organizations
from services.authorizations.personal.domain import Personal
from services.authorizations.personal.storage import descriptions
from services.authorizations.tools import Tools


async def tell(work: Work[Tools], block: Block) -> None:
    """Tell the person what a block does, or that it ended; as often as one mailbox may be written to, and no more."""
    recipient_id, reader = await _reader(work, block.concerned)
    if reader is None or reader.email is None:
        return
    if await mail_budgets.flooded(work, block.organization_id, {recipient_id: reader.email}):
        return
    organization = (await organizations.get(work.connection, [block.organization_id]))[block.organization_id]
    contents = Contents(address=reader.email, given_name=reader.given_name)
    ended = "ended" if block.until else "begun"
    mail = mailing.envelope(
        work, recipient_id, reader, contents, organization, once=f"block_{ended}:{block.block_id}",
        keeps=mailing.WARNING_KEEPS,
    )  # fmt: skip
    if block.until is None:
        work.publish(AccessBlockedMail(**mail, blocked_at=block.since, managing_reason=block.reason or ""))
    else:
        work.publish(AccessUnblockedMail(**mail, unblocked_at=block.until))


async def _reader(work: Work[Tools], concerned: Concerned) -> tuple[UUID, ContactFile | Personal | None]:
    """Whose address it is, and the contact, or the person of an account that is none."""
    if concerned.contact_id is not None:
        return concerned.contact_id, await contacts.get(work.connection, concerned.contact_id)
    assert concerned.account_id is not None
    return concerned.account_id, (await descriptions(work.connection, [concerned.account_id])).get(concerned.account_id)
