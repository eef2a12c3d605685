"""A batch raises the generation of each contact it names; linking sees the higher generation and issues a code."""

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
    for candidate in found:
        if not candidate.has_address:
            await storage.add_item(work.connection, batch_id, candidate.contact_id, None)
            continue
        generation = await contacts.raise_generation(work.connection, candidate.contact_id, "bulk")
        await storage.add_item(work.connection, batch_id, candidate.contact_id, generation)
        await publish_state(work, candidate.contact_id)
    for organization_id in known:
        work.audit("linking_codes_requested", organization_id=organization_id, object_id=batch_id)
    return batch_id


async def follow_issue(work: Work[Tools], issued: LinkingCodeIssued) -> None:
    """One more code of a batch is on its way."""
    await storage.mark_issued(work.connection, issued.contact_id, issued.generation, work.now)
