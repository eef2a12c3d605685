"""A first linker who turns out to be a stranger: an agent puts another in place, and takes back all that came of it."""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from chassis.outcomes import Refusal
from chassis.work import Work
from contracts.agency.managing import Administrators
from contracts.events import Language
from services.authorizations.access.domain import AsAgent
from services.authorizations.administrators import closure, domain, succeeding, withdrawing
from services.authorizations.administrators.domain import Withdrawn
from services.authorizations.administrators.handlers import begin
from services.authorizations.administrators.succeeding import AskingSuccessor, Successor
from services.authorizations.managing import mails
from services.authorizations.managing.mails import Change
from services.authorizations.tools import Tools


@dataclass(frozen=True)
class Replace:
    """A contact who manages the organization, or lately did, gives way to another; `preview` changes nothing.

    The successor is a contact of the organization, or whoever asks by an open request to become one: one of the two.
    """

    by: AsAgent
    organization_id: UUID
    contact_id: UUID
    successor_id: UUID | None
    request_id: UUID | None
    reason: str | None
    language: Language
    preview: bool


async def replace_administrator(work: Work[Tools], command: Replace) -> Withdrawn | Refusal:
    """Let the successor manage, release the other from everything here, and withdraw whatever came of the other.

    Within the contest window alone, also of somebody who has stepped down in it. What falls is what the other granted
    since, and what was granted by those who fall with that: relations with all that hangs on them, rights, links,
    open invitations, blocks; what was raised goes back. History stays. The preview reads the same rows, locked alike.
    """
    organization_id = command.organization_id
    if (command.successor_id is None) == (command.request_id is None):
        return Refusal("one_successor", fields=("successor_id", "request_id"))
    files = await _files(work, command)
    found = await begin(work, command.by, organization_id, command.contact_id, "replacement", command.reason, files)
    if isinstance(found, Refusal):
        return found
    rule, person = found
    falling = await _falling(work, command, rule.contest_days)
    if isinstance(falling, Refusal):
        return falling
    if not falling.files <= {organization_id, *files}:
        return Refusal("unavailable", retry_after=1)  # more was delegated at the same moment, in files not locked
    successor = await _successor(work, command, rule)
    if isinstance(successor, Refusal):
        return successor
    accounts = [successor.account_id] if isinstance(successor, AskingSuccessor) else []
    await withdrawing.lock(work, organization_id, falling, accounts)
    if refusal := await succeeding.refuse(work, successor, falling.blocks, command.language):
        return refusal
    if command.preview:
        return falling
    # Blocks end first: the other may have kept out whoever is put in place. Somebody manages at every step.
    await withdrawing.lift_blocks(work, organization_id, falling)
    put = await succeeding.put_in_place(work, successor, command.reason, falling.managers)
    await withdrawing.withdraw(work, organization_id, falling, command.reason)
    await succeeding.close_request(work, successor)
    work.audit(
        "administrator_replaced", organization_id=organization_id, object_id=person.contact_id,
        successor=str(put.contact_id), reason=command.reason or "", code_renewed=falling.renews_code,
        managers=[str(contact_id) for contact_id in falling.managers],
        relations=[str(relation.relation_id) for relation in falling.relations],
        rights=[str(right.right_id) for right in falling.rights],
        links=[str(link.link_id) for link in falling.links],
        requests=[str(request_id) for request_id in falling.requests],
        blocks=[str(block_id) for block_id in falling.blocks],
    )  # fmt: skip
    released = Change(person.contact_id, "released", work.now, command.reason)
    await mails.tell(work, released, tells_person=False, besides=falling.managers)
    return falling


async def _files(work: Work[Tools], command: Replace) -> Collection[UUID]:
    """Whose files change beside the organization's own: of those for which its people were given something."""
    rule = work.tools.agency.managing.administrators
    if rule is None or work.tools.agency.delegation_type is None:
        return ()
    seen = await _falling(work, command, rule.contest_days)
    return () if isinstance(seen, Refusal) else seen.files


async def _falling(work: Work[Tools], command: Replace, days: int) -> Withdrawn | Refusal:
    """What falls as things stand: the preview shows it, and the act withdraws it."""
    offices = await closure.offices_of(work, command.organization_id)
    since = domain.managing_since(offices, command.contact_id, work.now, days)
    if since is None:
        return Refusal("manages_nothing", fields=("contact_id",))
    if domain.contestable_until(since, days) < work.now:
        return Refusal("contest_over", {"days": days})
    successor = command.successor_id
    return await closure.what_falls(work, command.organization_id, offices, command.contact_id, since, successor)


async def _successor(work: Work[Tools], command: Replace, rule: Administrators) -> Successor | Refusal:
    if command.request_id is not None:
        return await succeeding.find_asking(work, command.organization_id, command.request_id, rule)
    assert command.successor_id is not None
    if command.successor_id == command.contact_id:
        return Refusal("not_found", fields=("successor_id",))
    return await succeeding.find_known(work, command.organization_id, command.successor_id, rule)
