"""A first linker who turns out to be a stranger: an agent puts another in place, and takes back what was granted."""

from dataclasses import dataclass
from uuid import UUID

from chassis.outcomes import Refusal
from chassis.work import Work
from contracts.events import Language
from services.authorizations.access.domain import AsAgent
from services.authorizations.administrators import storage
from services.authorizations.administrators.domain import GrantedRight, Withdrawn, contestable_until
from services.authorizations.administrators.handlers import begin, give_office, refuse_office
from services.authorizations.blocks import storage as blocks
from services.authorizations.blocks.handlers import end_block
from services.authorizations.contacts import storage as contacts
from services.authorizations.contacts.state import publish_state
from services.authorizations.managing.ended import offices, withdraw_held
from services.authorizations.relations import storage as relations
from services.authorizations.relations.domain import Relation
from services.authorizations.relations.recording import withdraw_right
from services.authorizations.tools import Tools


@dataclass(frozen=True)
class Replace:
    """A contact who manages the organization gives way to another of its contacts; `preview` changes nothing."""

    by: AsAgent
    organization_id: UUID
    contact_id: UUID
    successor_id: UUID
    reason: str | None
    language: Language
    preview: bool


async def replace_administrator(work: Work[Tools], command: Replace) -> Withdrawn | Refusal:
    """Let the successor manage, release the other from everything here, and withdraw whatever the other granted.

    Within the contest window alone. Relations that the other made end with all that hangs on them, rights that the
    other added elsewhere end, blocks that the other made are lifted: history stays.
    """
    organization_id = command.organization_id
    found = await begin(work, command.by, organization_id, command.contact_id, "replacement", command.reason)
    if isinstance(found, Refusal):
        return found
    rule, person = found
    held = await offices(work, person.contact_id)
    since = await storage.managing_since(work.connection, [relation.relation_id for relation in held])
    if since is None:
        return Refusal("manages_nothing", fields=("contact_id",))
    if contestable_until(since, rule.contest_days) < work.now:
        return Refusal("contest_over", {"days": rule.contest_days})
    successor = await contacts.get(work.connection, command.successor_id)
    if successor is None or successor.organization_id != organization_id or successor == person:
        return Refusal("not_found", fields=("successor_id",))
    withdrawn = await _granted(work, person.contact_id, successor.contact_id, organization_id)
    manages = any(office.period.contains(work.today) for office in await offices(work, successor.contact_id))
    if not manages and (
        refusal := await refuse_office(work, successor, rule, [], command.language, lifting=withdrawn.blocks)
    ):
        return refusal
    if command.preview:
        return withdrawn
    # Blocks end first: the other may have kept out whoever is put in place.
    for block_id in withdrawn.blocks:
        if standing := await blocks.get(work.connection, organization_id, block_id):
            await end_block(work, standing)
    if not manages:
        await give_office(work, successor, rule, [], command.reason)
    await _withdraw(work, organization_id, person.contact_id, withdrawn, command.reason)
    for holder_id in {person.contact_id, *_contacts_of(withdrawn, organization_id)}:
        await publish_state(work, holder_id)
    work.audit(
        "administrator_replaced", organization_id=organization_id, object_id=person.contact_id,
        successor=str(successor.contact_id), reason=command.reason or "",
        relations=[str(relation.relation_id) for relation in (*withdrawn.released, *withdrawn.relations)],
        rights=[str(right.right_id) for right in withdrawn.rights], blocks=[str(block) for block in withdrawn.blocks],
    )  # fmt: skip
    return withdrawn


async def _granted(work: Work[Tools], contact_id: UUID, successor_id: UUID, organization_id: UUID) -> Withdrawn:
    """What the contact's accounts have granted here, but to the successor; and what it holds itself."""
    own = [m for m in await relations.memberships_of(work.connection, contact_id) if not m.is_over(work.today)]
    made, rights, standing = list[Relation](), list[GrantedRight](), list[UUID]()
    for account_id in await storage.accounts_of(work.connection, contact_id):
        by = f"account:{account_id}"
        ids = await storage.relations_granted(work.connection, organization_id, by)
        made += [r for r in await relations.get(work.connection, ids) if r.holder_id not in (contact_id, successor_id)]
        without = [relation.relation_id for relation in (*own, *made)]
        rights += await storage.rights_granted(work.connection, organization_id, by, without)
        standing += await storage.blocks_made(work.connection, organization_id, by)
    return Withdrawn(own, made, [right for right in rights if right.holder_id != successor_id], standing)


async def _withdraw(
    work: Work[Tools], organization_id: UUID, contact_id: UUID, withdrawn: Withdrawn, reason: str | None
) -> None:
    await withdraw_held(work, contact_id, withdrawn.released, reason)
    for holder_id in sorted({relation.holder_id for relation in withdrawn.relations}):
        held = [relation for relation in withdrawn.relations if relation.holder_id == holder_id]
        await withdraw_held(work, holder_id, held, reason)
    for right in withdrawn.rights:
        await withdraw_right(work, organization_id, right.relation_id, right.right_id, right.subject)


def _contacts_of(withdrawn: Withdrawn, organization_id: UUID) -> set[UUID]:
    """The organization's own contacts who lose something: those whose state changes."""
    made = {r.holder_id for r in withdrawn.relations if r.holder_organization_id == organization_id}
    return made - {organization_id}
