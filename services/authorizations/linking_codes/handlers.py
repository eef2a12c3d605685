"""A batch raises the generation of each contact it names; linking sees the higher generation and issues a code.

It does so in portions, at a pace that leaves room for everybody else: a campaign may name 50,000 contacts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from chassis.outcomes import Refusal
from chassis.work import Work
from contracts.linking import LinkingCodeIssued
from services.authorizations.contacts import storage as contacts
from services.authorizations.contacts.state import publish_state
from services.authorizations.linking_codes import storage
from services.authorizations.organizations import storage as organizations
from services.authorizations.tools import Tools


@dataclass(frozen=True)
class RequestBatch:
    """Codes for the contacts of some organizations who have one of the functions and are not linked yet."""

    organization_ids: Sequence[UUID]
    functions: frozenset[str]


async def request_batch(work: Work[Tools], command: RequestBatch) -> UUID | Refusal:
    """Ask for codes on behalf of an agent; who has no address is counted and left out. Returns the batch's id."""
    await organizations.lock(work.connection, command.organization_ids)
    work.take_time()
    known = await organizations.get(work.connection, command.organization_ids)
    if len(known) != len(set(command.organization_ids)):
        return Refusal("not_found", fields=("organization_ids",))
    found = [
        candidate
        for candidate in await storage.candidates(work.connection, command.organization_ids)
        if candidate.functions & command.functions and not candidate.linked
    ]
    batch_id = work.new_id()
    await storage.add(work.connection, batch_id, f"{work.actor.kind}:{work.actor.id}", work.now)
    await storage.add_items(
        work.connection,
        batch_id,
        waiting=[candidate.contact_id for candidate in found if candidate.has_address],
        unreachable=[candidate.contact_id for candidate in found if not candidate.has_address],
    )
    for organization_id in known:
        work.audit("linking_codes_requested", organization_id=organization_id, object_id=batch_id)
    return batch_id


async def raise_portion(work: Work[Tools], limit: int) -> int:
    """Ask for the codes of the next contacts, whatever batch they belong to. Returns how many."""
    items = await storage.next_items(work.connection, limit)
    await organizations.lock(work.connection, [item.organization_id for item in items])
    work.take_time()
    for item in items:
        generation = await contacts.raise_generation(work.connection, item.contact_id, "bulk")
        await storage.set_generation(work.connection, item, generation)
        await publish_state(work, item.contact_id)
    return len(items)


async def follow_issue(work: Work[Tools], issued: LinkingCodeIssued) -> None:
    """A code is on its way, perhaps one more of a batch; its mail tells what was corrected with it."""
    await contacts.forget_changes(work.connection, issued.contact_id, issued.generation)
    await storage.mark_issued(work.connection, issued.contact_id, issued.generation, work.now)
