"""Keeping somebody out of an organization, at once and in every function, and letting them in again."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from chassis.outcomes import Refusal
from chassis.work import Work
from contracts.authorizations import ContactBlocked, ContactUnblocked
from services.authorizations.access import storage as access
from services.authorizations.access.domain import AsAgent, AsProfile
from services.authorizations.access.handlers import permitted
from services.authorizations.accounts import storage as accounts
from services.authorizations.blocks import domain, mails, storage
from services.authorizations.blocks.domain import Block, Concerned
from services.authorizations.contacts import storage as contacts
from services.authorizations.contacts.state import publish_state
from services.authorizations.deciding.ending import settle
from services.authorizations.managing.marks import note_changed
from services.authorizations.managing.questions import refuse_last_manager, refuse_ousting
from services.authorizations.organizations import storage as organizations
from services.authorizations.organizations.handlers import record
from services.authorizations.reasons import refuse_reason
from services.authorizations.relations import storage as relations
from services.authorizations.requests import storage as requests
from services.authorizations.requests.domain import Request, refuse_held_by_another, refuse_undecidable
from services.authorizations.tools import Tools


@dataclass(frozen=True)
class BlockPerson:
    """A contact, an account, or whoever asked for access by a request, is to be kept out; one of them is named."""

    by: AsProfile | AsAgent
    organization_id: UUID
    contact_id: UUID | None
    account_id: UUID | None
    reason: str | None
    request_id: UUID | None = None


@dataclass(frozen=True)
class Unblock:
    """A block is to end."""

    by: AsProfile | AsAgent
    organization_id: UUID
    block_id: UUID


async def block(work: Work[Tools], command: BlockPerson) -> UUID | Refusal:
    """Keep somebody out: whatever they hold for the organization is in force no more. Returns the block's id.

    A contact that is named takes the account that it is with it, through whatever other contact that account acts. An
    access request of that account, which this side may decide, is denied in the same act.
    An agent's block takes the place of the organization's own, which ends in the same act.
    Those who manage the organization never leave it without anybody who can act; an agent may, and agents decide then.
    """
    await organizations.lock(work.connection, [command.organization_id])
    work.take_time(after=await storage.last_recorded(work.connection, command.organization_id))
    if refusal := await permitted(work, command.by, command.organization_id):
        return refusal
    named = await _concerned(work, command)
    if isinstance(named, Refusal):
        return named
    standing = await storage.standing(work.connection, command.organization_id, named)
    if refusal := _refuse(work, command, named, standing):
        return refusal
    concerned = domain.together(named, standing)
    await _lock(work, concerned)
    block_id, by = work.new_id(), work.actor.reference
    own = await _own_contacts(work, command.organization_id, concerned)
    going = {m.relation_id for contact_id in own for m in await relations.memberships_of(work.connection, contact_id)}
    organization_id = command.organization_id
    if refusal := await refuse_ousting(work, command.by, organization_id, going, "contact_id"):
        return refusal
    if isinstance(command.by, AsProfile) and (
        refusal := await refuse_last_manager(work, organization_id, dict.fromkeys(going), work.today, "contact_id")
    ):
        return refusal
    await _supersede(work, concerned, standing)
    await storage.add(work.connection, block_id, organization_id, concerned, command.reason, by, work.now)
    await note_changed(work, organization_id)
    await record(
        work, ContactBlocked, organization_id,
        block_id=block_id, contact_id=concerned.contact_id, account_id=concerned.account_id, reason=command.reason,
    )  # fmt: skip
    await _tell(work, organization_id, block_id, own, "contact_blocked")
    await _deny_request(work, command, concerned)
    return block_id


async def unblock(work: Work[Tools], command: Unblock) -> UUID | Refusal:
    """Let somebody in again: what is still in force of what they hold says yes. Ending it again changes nothing.

    Refusal: blocked_by_agency.
    """
    organization_id = command.organization_id
    await organizations.lock(work.connection, [organization_id])
    work.take_time(after=await storage.last_recorded(work.connection, organization_id))
    if refusal := await permitted(work, command.by, organization_id):
        return refusal
    found = await storage.get(work.connection, organization_id, command.block_id)
    if found is None:
        return Refusal("not_found")
    if found.until is None:
        if refusal := domain.refuse_end(found, by_agent=isinstance(command.by, AsAgent)):
            return refusal
        await end_block(work, found)
    return found.block_id


async def end_block(work: Work[Tools], found: Block) -> None:
    """End a block that stands, and tell of it. Call it with the organization locked."""
    organization_id = found.organization_id
    await _lock(work, found.concerned)
    await storage.end(work.connection, found.block_id, work.actor.reference, work.now)
    await record(work, ContactUnblocked, organization_id, block_id=found.block_id)
    own = await _own_contacts(work, organization_id, found.concerned)
    await _tell(work, organization_id, found.block_id, own, "contact_unblocked")


async def _concerned(work: Work[Tools], command: BlockPerson) -> Concerned | Refusal:
    """Whom the block is about, kept from being linked until it is there: an account, then a contact, as links lock."""
    account_id = command.account_id
    if command.request_id is not None:
        request = await requests.lock(work.connection, command.request_id)
        if request is None or not _may_deny(command, request):
            return Refusal("not_found", fields=("request_id",))
        if refusal := refuse_undecidable(request, work.today) or refuse_held_by_another(
            request, work.actor.reference, work.now
        ):
            return refusal
        account_id = request.asked_by_account_id
    elif command.contact_id is not None:
        if not await storage.has_to_do_with(work.connection, command.organization_id, [command.contact_id]):
            return Refusal("not_found", fields=("contact_id",))
        account_id = await storage.account_of(work.connection, command.contact_id)
    elif account_id is not None and isinstance(command.by, AsProfile):
        held = await storage.ever_contact(work.connection, account_id)
        asked = await storage.has_asked(work.connection, command.organization_id, account_id)
        if not asked and not await storage.has_to_do_with(work.connection, command.organization_id, held):
            return Refusal("not_found", fields=("account_id",))
    await _lock(work, Concerned(command.contact_id, account_id))
    if command.contact_id is not None:
        account_id = await storage.account_of(work.connection, command.contact_id)
    elif account_id is not None and not await access.all_heard_of(work.connection, [account_id]):
        return Refusal("not_found", fields=("account_id",))
    return Concerned(command.contact_id, account_id)


def _may_deny(command: BlockPerson, request: Request) -> bool:
    """Whether it is an access request to the organization that this side decides."""
    own = request.kind == "access_request" and request.organization_id == command.organization_id
    return own and (request.decider == "organization" or isinstance(command.by, AsAgent))


async def _deny_request(work: Work[Tools], command: BlockPerson, concerned: Concerned) -> None:
    if concerned.account_id is None:
        return
    organization_id = command.organization_id
    request_id = await requests.of_account(work.connection, organization_id, concerned.account_id, work.today)
    request = await requests.lock(work.connection, request_id) if request_id is not None else None
    if request is None or not _may_deny(command, request):
        return
    if (
        refuse_held_by_another(request, work.actor.reference, work.now) is None
    ):  # else it is the agent's who has it in hand
        await settle(work, request, "reject", None)


async def _lock(work: Work[Tools], concerned: Concerned) -> None:
    if concerned.account_id is not None:
        await accounts.lock(work.connection, concerned.account_id)
    if concerned.contact_id is not None:
        await contacts.lock(work.connection, concerned.contact_id)


async def _supersede(work: Work[Tools], concerned: Concerned, standing: Sequence[Block]) -> None:
    """End what stands and keeps out nobody besides, without a mail: the person hears of the block that replaces it."""
    for old in standing:
        if not domain.covers(concerned, old):
            continue
        await storage.end(work.connection, old.block_id, work.actor.reference, work.now)
        await record(work, ContactUnblocked, old.organization_id, block_id=old.block_id)
        work.audit("contact_unblocked", organization_id=old.organization_id, object_id=old.block_id, **_named(old))


def _refuse(work: Work[Tools], command: BlockPerson, concerned: Concerned, standing: Sequence[Block]) -> Refusal | None:
    if isinstance(command.by, AsProfile) and (
        refusal := domain.refuse_oneself(concerned, command.by.account_id, command.by.contact_id)
    ):
        return refusal
    if refusal := domain.refuse_standing(standing, by_agent=isinstance(command.by, AsAgent)):
        return refusal
    return refuse_reason(work, "block", command.reason)


async def _own_contacts(work: Work[Tools], organization_id: UUID, concerned: Concerned) -> list[UUID]:
    """The organization's contacts that it is about, in the order of their ids."""
    found = {concerned.contact_id} if concerned.contact_id else set[UUID]()
    if concerned.account_id is not None:
        found |= set(await accounts.contacts_of(work.connection, concerned.account_id))
    files = await contacts.get_all(work.connection, found)
    return [file.contact_id for file in files if file.organization_id == organization_id]


async def _tell(work: Work[Tools], organization_id: UUID, block_id: UUID, own: list[UUID], action: str) -> None:
    for contact_id in own:
        await publish_state(work, contact_id)
    found = await storage.get(work.connection, organization_id, block_id)
    assert found is not None
    await mails.tell(work, found)
    work.audit(action, organization_id=organization_id, object_id=block_id, **_named(found))


def _named(block: Block) -> dict[str, str]:
    named = {"contact_id": block.contact_id, "account_id": block.account_id, "reason": block.reason}
    return {name: str(value) for name, value in named.items() if value is not None}
