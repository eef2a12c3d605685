"""Ending a mandate that is in force: by either side, those who manage the organization, or an agent."""

from dataclasses import dataclass
from uuid import UUID

from chassis.outcomes import Refusal
from chassis.work import Work
from services.authorizations.access import storage as access
from services.authorizations.access.domain import Acting, AsAccount, AsAgent, AsProfile
from services.authorizations.contacts.state import publish_state
from services.authorizations.managing.domain import Ending
from services.authorizations.managing.ended import withdraw_held, withdraw_rights
from services.authorizations.mandates import storage, telling
from services.authorizations.mandates.domain import Mandate, Reader
from services.authorizations.mandates.locking import locked
from services.authorizations.relations import storage as relations
from services.authorizations.requests.domain import Request
from services.authorizations.tools import Tools


@dataclass(frozen=True)
class Revoke:
    """Somebody does not want a mandate to go on."""

    by: AsProfile | AsAccount | AsAgent
    mandate_id: UUID


async def revoke(work: Work[Tools], command: Revoke) -> UUID | Refusal:
    """End the right at once, and the delegate's function with it, unless it carries another. Returns the id."""
    found = await locked(work, command.mandate_id)
    if found is None:
        return Refusal("not_found")
    request, mandate = found
    reader = await stands(work, command.by, request, mandate)
    if isinstance(reader, Refusal):
        return reader
    return await end_mandate(work, request, mandate) or request.request_id


async def stands(
    work: Work[Tools], by: AsProfile | AsAccount | AsAgent, request: Request, mandate: Mandate
) -> Reader | Refusal:
    """As whom who asks stands to a mandate that is locked, re-read."""
    looker: Acting | AsAccount | AsAgent | None
    if isinstance(by, AsProfile):
        looker = await access.acting(work.connection, work.now, work.today, by.account_id, by.contact_id)
    elif isinstance(by, AsAgent) and work.actor.kind != "agent":
        return Refusal("not_permitted")
    else:
        looker = by
    if looker is None:
        return Refusal("profile_not_yours")
    manages = isinstance(looker, Acting) and work.tools.manages(looker)
    reader = mandate.read_by(looker, request, manages=manages)
    if isinstance(looker, Acting):
        work.concerning = looker.organization_id
    if reader is None:
        return Refusal("not_found")
    work.concerning = request.organization_id
    work.rule = f"mandate:{reader}"
    return reader


async def end_mandate(work: Work[Tools], request: Request, mandate: Mandate) -> Refusal | None:
    """End what an approved mandate gave, and tell both sides. Call it with the mandate `locked`."""
    if mandate.right_id is None or mandate.relation_id is None or mandate.contact_id is None:
        return Refusal("mandate_not_in_force")
    [member] = await relations.get(work.connection, [mandate.relation_id])
    work.take_time(after=await relations.last_recorded(work.connection, mandate.contact_id))
    held = await relations.rights_of(work.connection, mandate.relation_id)
    ours = next((right for right in held if right.right_id == mandate.right_id), None)
    if ours is None or ours.period.is_over(work.today) or member.is_over(work.today):
        return Refusal("mandate_not_in_force")
    others = [right for right in held if right is not ours and not right.period.is_over(work.today)]
    await withdraw_rights(work, [(member, ours)], Ending(tells_person=False))
    if not others and member.type not in work.tools.managing_types:
        await withdraw_held(work, mandate.contact_id, [member], Ending(tells_person=False))
    await publish_state(work, mandate.contact_id)
    await storage.note_revoked(work.connection, request.request_id, work.actor.reference, work.now)
    work.audit(
        "mandate_revoked", organization_id=request.organization_id, object_id=mandate.contact_id,
        mandate=str(request.request_id),
    )  # fmt: skip
    await telling.tell_revoked(work, request, mandate)
    return None
