"""Who is kept out is told so, and told when it ends."""

from uuid import UUID

from chassis.work import Work
from contracts.notifications import AccessBlockedMail, AccessUnblockedMail
from services.authorizations import mailing
from services.authorizations.blocks.domain import Block, Concerned
from services.authorizations.contacts import storage as contacts
from services.authorizations.contacts.domain import ContactFile
from services.authorizations.organizations import storage as organizations
from services.authorizations.personal.domain import Personal
from services.authorizations.personal.storage import descriptions
from services.authorizations.tools import Tools


async def tell(work: Work[Tools], block: Block) -> None:
    """Tell the person what a block does, or that it ended."""
    recipient_id, person = await _reader(work, block.concerned)
    if person is None:
        return
    organization = await organizations.one(work.connection, block.organization_id)
    reader = mailing.to(recipient_id, person)
    if block.until is None:
        await mailing.tell(
            work, AccessBlockedMail, reader, organization, bound="warnings", once=f"block_begun:{block.block_id}",
            keeps=mailing.WARNING_KEEPS, blocked_at=block.since, managing_reason=block.reason or "",
        )  # fmt: skip
    else:
        await mailing.tell(
            work, AccessUnblockedMail, reader, organization, bound="warnings", once=f"block_ended:{block.block_id}",
            keeps=mailing.WARNING_KEEPS, unblocked_at=block.until,
        )  # fmt: skip


async def _reader(work: Work[Tools], concerned: Concerned) -> tuple[UUID, ContactFile | Personal | None]:
    """Whose address it is, and the contact, or the person of an account that is none."""
    if concerned.contact_id is not None:
        return concerned.contact_id, await contacts.get(work.connection, concerned.contact_id)
    assert concerned.account_id is not None
    return concerned.account_id, (await descriptions(work.connection, [concerned.account_id])).get(concerned.account_id)
