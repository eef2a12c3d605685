"""A batch raises the generation of each contact it names; linking sees the higher generation and issues a code.

A few persons whom somebody names get theirs at once. Everybody else's turn comes in portions, at a pace that leaves
room for others: a campaign may name 50,000 contacts.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from chassis.limits import seconds_left, spend, spend_each, too_many
from chassis.outcomes import Refusal
from chassis.work import Work
from contracts.linking import LinkingCodeIssued
from services.authorizations.access.domain import Acting, AsAgent, AsProfile
from services.authorizations.access.handlers import permitted
from services.authorizations.contacts import storage as contacts
from services.authorizations.contacts.domain import CodePriority
from services.authorizations.contacts.state import publish_state
from services.authorizations.linking_codes import selecting, storage
from services.authorizations.linking_codes.domain import Selection
from services.authorizations.linking_codes.storage import BatchRow, Item
from services.authorizations.mailing.budgets import flooded, refuse_mails
from services.authorizations.organizations import storage as organizations
from services.authorizations.tools import Tools

TURN_OF_AN_ORGANIZATION, TURN_OF_AN_AGENT = 1, 2


@dataclass(frozen=True)
class RequestBatch:
    """Codes for those of a selection who can be sent one. An agent may select anybody.

    With a campaign, which only an agent names, the codes live as it says and its mail carries them.
    """

    by: AsProfile | AsAgent
    organization_id: UUID | None
    selection: Selection
    campaign: str | None = None


@dataclass(frozen=True)
class Resend:
    """New codes for those of a batch whose mail did not arrive."""

    by: AsProfile | AsAgent
    batch_id: UUID


@dataclass(frozen=True)
class OpenBatch:
    """A look at a batch; with `persons` at who is in it, else at counts alone."""

    looker: Acting | AsAgent
    batch_id: UUID
    persons: bool = False


async def request_batch(work: Work[Tools], command: RequestBatch) -> UUID | Refusal:
    """The guide's "Émettre un nouveau code de liaison", for one, several or all. Returns the batch's id.

    Who can be sent none is in it with the reason. Refusals: not_found, not_permitted, profile_not_yours,
    too_many_codes, invalid_request, campaign_over.
    """
    if "linking_coordinates" not in work.tools.agency.features:
        return Refusal("not_found")
    if command.campaign is not None and (refusal := _closed(work, command.campaign)):
        return refusal
    command = _to_whom_the_campaign_goes(work, command)
    selection = command.selection
    if refusal := await _locked_and_permitted(work, command.by, command.organization_id, selection):
        return refusal
    known = await organizations.get(work.connection, selection.organization_ids or ())
    if len(known) != len(set(selection.organization_ids or ())):
        return Refusal("not_found", fields=("organization_ids",))
    if selection.contact_ids is not None and not await selecting.all_contacts(work.connection, selection):
        return Refusal("not_found", fields=("contact_ids",))
    return await _accept(work, command)


async def resend(work: Work[Tools], command: Resend) -> UUID | Refusal:
    """A new batch for those of another whose mail came back or ran out of time; an address corrected since is used.

    It belongs to the same campaign while that goes on, else ordinary coordinates are sent.

    Refusals: as of `request_batch`, and nothing_to_resend.
    """
    batch = await storage.get(work.connection, command.batch_id)
    if batch is None:
        return Refusal("not_found")
    selection = Selection(contact_ids=await storage.not_delivered(work.connection, batch.batch_id))
    if refusal := await _locked_and_permitted(work, command.by, batch.organization_id, selection):
        return refusal
    if not selection.contact_ids:
        return Refusal("nothing_to_resend")
    campaign = None if batch.campaign is None or _closed(work, batch.campaign) else batch.campaign
    return await _accept(work, RequestBatch(command.by, batch.organization_id, selection, campaign))


def _closed(work: Work[Tools], code: str) -> Refusal | None:
    campaign = work.tools.agency.campaigns.get(code)
    if campaign is None:
        return Refusal("invalid_request", fields=("campaign",))
    return None if campaign.is_open(work.today) else Refusal("campaign_over", fields=("campaign",))


def _to_whom_the_campaign_goes(work: Work[Tools], command: RequestBatch) -> RequestBatch:
    selection = command.selection
    if command.campaign is None or selection.contact_ids is not None or selection.functions is not None:
        return command
    functions = work.tools.agency.campaigns[command.campaign].functions
    return replace(command, selection=replace(selection, functions=functions))


async def _locked_and_permitted(
    work: Work[Tools], by: AsProfile | AsAgent, organization_id: UUID | None, selection: Selection
) -> Refusal | None:
    """Lock what changes before the answer: nothing else waits for a large batch. Whether the caller may have it."""
    by_agent = isinstance(by, AsAgent)
    concerned = [organization_id] if not by_agent and organization_id is not None else []
    if by_agent and selection.at_once:
        concerned = await selecting.organizations_of(work.connection, selection, work.today)
    await organizations.lock(work.connection, concerned)
    work.take_time()
    return await permitted(work, by, organization_id)


async def _accept(work: Work[Tools], command: RequestBatch) -> UUID | Refusal:
    selection, by_agent = command.selection, isinstance(command.by, AsAgent)
    left_out: Collection[UUID] | Refusal = ()
    if isinstance(command.by, AsProfile):
        left_out = await _spent(work, command.by, command)
    if isinstance(left_out, Refusal):
        return left_out
    batch = BatchRow(
        batch_id=work.new_id(),
        organization_id=command.organization_id,
        campaign=command.campaign,
        requested_by=work.actor.reference,
        requested_at=work.now,
        unknown_numbers=await selecting.unknown_numbers(work.connection, selection),
    )
    await storage.add(work.connection, batch)
    turn = TURN_OF_AN_AGENT if by_agent else TURN_OF_AN_ORGANIZATION
    await selecting.add_items(work.connection, batch.batch_id, turn, selection, work.today)
    await storage.skip(work.connection, batch.batch_id, list(left_out), "too_many_codes")
    for organization_id in selection.organization_ids or (command.organization_id,):
        work.audit(
            "linking_codes_requested",
            organization_id=organization_id,
            object_id=batch.batch_id,
            campaign=command.campaign,
        )
    if selection.at_once:
        await _ask(work, await storage.waiting_of(work.connection, batch.batch_id), "normal")
    return batch.batch_id


async def _spent(work: Work[Tools], by: AsProfile, command: RequestBatch) -> Collection[UUID] | Refusal:
    """Count the codes that those who manage an organization send. Returns whose mailbox has had enough of them."""
    attempts = work.tools.agency.limits.attempts
    by_contact, by_organization = attempts["linking_codes_per_contact"], attempts["linking_codes_per_organization"]
    assert command.organization_id is not None
    reachable = await selecting.reachable(work.connection, command.selection, work.today)
    organization = command.organization_id.bytes
    seconds = await spend(
        work.connection, "linking_codes_per_organization", organization, by_organization, work.now, len(reachable)
    )
    if seconds is not None:
        return too_many(seconds, "too_many_codes")
    if refusal := await refuse_mails(work, by, len(reachable)):
        return refusal
    keys = {contact_id.bytes: contact_id for contact_id in reachable}
    over = await spend_each(work.connection, "linking_codes_per_contact", keys.keys(), by_contact, work.now)
    asked_enough = {keys[key] for key in over}
    others = {contact_id: address for contact_id, address in reachable.items() if contact_id not in asked_enough}
    flooded_by_now = asked_enough | await flooded(work, command.organization_id, others)
    if reachable and len(flooded_by_now) == len(reachable):
        return too_many(seconds_left(by_contact, work.now), "too_many_codes")
    return flooded_by_now


async def raise_portion(work: Work[Tools], limit: int) -> int:
    """Ask for the codes of the next contacts, whatever batch they belong to. Returns how many had their turn."""
    items = await storage.next_items(work.connection, limit)
    await organizations.lock(work.connection, [item.organization_id for item in items])
    work.take_time()
    await _ask(work, items, "bulk")
    return len(items)


async def _ask(work: Work[Tools], items: Sequence[Item], priority: CodePriority) -> None:
    """Ask for the codes of those who can still be sent one. Call it with their organizations locked."""
    reasons = await selecting.why_not(work.connection, [item.contact_id for item in items], work.today)
    for item in items:
        if reason := reasons[item.contact_id]:
            await storage.skip(work.connection, item.batch_id, [item.contact_id], reason)
            continue
        generation = await contacts.raise_generation(work.connection, item.contact_id, priority, campaign=item.campaign)
        await publish_state(work, item.contact_id)
        await storage.set_generation(work.connection, item, generation)
        work.audit(
            "linking_code_requested",
            organization_id=item.organization_id,
            object_id=item.contact_id,
            batch_id=str(item.batch_id),
            requested_by=item.requested_by,
            generation=generation,
        )


async def open_batch(work: Work[Tools], command: OpenBatch) -> BatchRow | Refusal:
    """For those who manage its organization, and agents, whose look at persons is noted in its file if it is one's."""
    batch, looker = await storage.get(work.connection, command.batch_id), command.looker
    if isinstance(looker, Acting):
        work.concerning = looker.organization_id
    if batch is None or not _may_see(work, looker, batch):
        return Refusal("not_found")
    if isinstance(looker, AsAgent) and command.persons:
        work.audit("file_viewed", organization_id=batch.organization_id, object_id=batch.batch_id)
    return batch


def _may_see(work: Work[Tools], looker: Acting | AsAgent, batch: BatchRow) -> bool:
    if isinstance(looker, AsAgent):
        return True
    return looker.organization_id == batch.organization_id and work.tools.manages(looker)


async def follow_issue(work: Work[Tools], issued: LinkingCodeIssued) -> None:
    """A code is on its way, perhaps one more of a batch; its mail tells what was corrected with it."""
    await contacts.forget_changes(work.connection, issued.contact_id, issued.generation)
    await storage.mark_issued(work.connection, issued.contact_id, issued.generation, issued.delivery_id, work.now)
