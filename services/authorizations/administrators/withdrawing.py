"""Withdrawing what falls with an administrator, and telling each person once of all that they lose."""

from collections.abc import Collection
from uuid import UUID

from chassis.work import Work
from services.authorizations.accounts import storage as accounts
from services.authorizations.administrators import telling
from services.authorizations.administrators.domain import FallingLink, FallingRight, Withdrawn
from services.authorizations.administrators.telling import Lost
from services.authorizations.bindings import storage as bindings
from services.authorizations.blocks import storage as blocks
from services.authorizations.blocks.handlers import end_block
from services.authorizations.contacts import storage as contacts
from services.authorizations.contacts.state import publish_state
from services.authorizations.contested import storage as contested
from services.authorizations.deciding.ending import end_unseen
from services.authorizations.managing.domain import Ending
from services.authorizations.managing.ended import withdraw_held, withdraw_representation, withdraw_rights
from services.authorizations.managing.marks import note_changed
from services.authorizations.organizations import storage as organizations
from services.authorizations.organizations.handlers import publish_state as publish_organization
from services.authorizations.relations import storage as relations
from services.authorizations.relations.domain import Grant, Granted, Relation
from services.authorizations.relations.recording import record_right
from services.authorizations.request_tokens import storage as request_tokens
from services.authorizations.tools import Tools


async def lock(work: Work[Tools], organization_id: UUID, falling: Withdrawn, also: Collection[UUID] = ()) -> None:
    """Lock the accounts whose links or blocks end, and some more, then the contacts, as links do; and take the time."""
    standing = [await blocks.get(work.connection, organization_id, block_id) for block_id in falling.blocks]
    concerned = [block.concerned for block in standing if block is not None]
    persons = {link.account_id for link in falling.links} | {c.account_id for c in concerned} | {*also}
    for account_id in sorted(account_id for account_id in persons if account_id is not None):
        await accounts.lock(work.connection, account_id)
    files = {link.contact_id for link in falling.links} | {c.contact_id for c in concerned}
    for contact_id in sorted(contact_id for contact_id in files if contact_id is not None):
        await contacts.lock(work.connection, contact_id)
    newest = [
        await blocks.last_recorded(work.connection, organization_id),
        *[await bindings.link_recorded(work.connection, link.link_id) for link in falling.links],
        await relations.recorded(work.connection, falling.concerned),
    ]
    work.take_time(after=max((at for at in newest if at is not None), default=None))


async def lift_blocks(work: Work[Tools], organization_id: UUID, falling: Withdrawn) -> None:
    """Let in whom they had kept out, before anybody is put in place: it may be one of them."""
    for block_id in falling.blocks:
        if standing := await blocks.get(work.connection, organization_id, block_id):
            await end_block(work, standing)


async def withdraw(work: Work[Tools], organization_id: UUID, falling: Withdrawn, reason: str | None) -> None:
    """Withdraw it all, and tell each of its own contacts once. Call it with everything locked."""
    ending = Ending(reason, tells_person=False, tells_others=False)
    lost = await _end_relations(work, organization_id, falling, ending)
    await _end_rights(work, organization_id, falling, ending, lost)
    for link in falling.links:
        await _unlink(work, organization_id, link)
    for request_id in falling.requests:
        await request_tokens.forget(work.connection, request_id)
        await end_unseen(work, request_id)
    for contact_id in set(falling.managers) - falling.released(work.tools.managing_types):  # stepped down before
        work.audit("administrator_released", organization_id=organization_id, object_id=contact_id, reason=reason or "")
    await note_changed(work, organization_id)
    if falling.renews_code:
        await organizations.raise_code_generation(work.connection, organization_id)
        await publish_organization(work, organization_id)
    for contact_id in sorted({*lost, *(link.contact_id for link in falling.links)}):
        await publish_state(work, contact_id)
    for contact_id in sorted(lost):
        await telling.tell_of_loss(work, contact_id, lost[contact_id], reason)


async def _end_relations(
    work: Work[Tools], organization_id: UUID, falling: Withdrawn, ending: Ending
) -> dict[UUID, Lost]:
    """Withdraw the relations; what each of the organization's own contacts loses by that."""
    held, lost = dict[UUID, list[Relation]](), dict[UUID, Lost]()
    for relation in falling.relations:
        held.setdefault(relation.holder_id, []).append(relation)
    for holder_id, ended in held.items():
        if ended[0].holder_kind == "organization":
            for relation in ended:
                await withdraw_representation(work, relation, Ending(ending.reason))
            continue
        subjects = await withdraw_held(work, holder_id, ended, ending)
        if ended[0].holder_organization_id == organization_id:
            lost[holder_id] = Lost({relation.type for relation in ended if relation.through is None}, set(subjects))
    return lost


async def _end_rights(
    work: Work[Tools], organization_id: UUID, falling: Withdrawn, ending: Ending, lost: dict[UUID, Lost]
) -> None:
    """Withdraw the rights, and add to what each of the organization's own contacts loses."""
    found = {r.relation_id: r for r in await relations.get(work.connection, {r.relation_id for r in falling.rights})}
    rights = [(found[right.relation_id], right) for right in falling.rights]
    await withdraw_rights(work, [pair for pair in rights if pair[0].holder_kind == "contact"], ending)
    await withdraw_rights(work, [pair for pair in rights if pair[0].holder_kind != "contact"], Ending(ending.reason))
    for relation, right in rights:
        await _give_back(work, right)
        if relation.holder_kind != "contact" or relation.holder_organization_id != organization_id:
            continue
        mine = lost.setdefault(relation.holder_id, Lost())
        if relation.through is None:
            (mine.lowered if right.back else mine.withdrawn).add(right.subject)


async def _give_back(work: Work[Tools], right: FallingRight) -> None:
    """What a right that ended had taken the place of is granted anew, by whoever had granted that."""
    granted = await relations.how_granted(work.connection, [held.right_id for held in right.back])
    for held in right.back:
        before = granted[held.right_id]
        again = Granted(work.now, before.by, before.request_id)
        grant = Grant(held.subject, held.level)
        await record_right(work, right.organization_id, right.relation_id, grant, held.period, again)


async def _unlink(work: Work[Tools], organization_id: UUID, link: FallingLink) -> None:
    """End a link that a merge made; linking learns it, and tells the person. The file gets new coordinates."""
    await bindings.unbind(
        work.connection, link.link_id, link.account_id, link.contact_id, link.linked_at, work.now, work.now
    )
    await contested.note_end(work.connection, link.contact_id, link.link_id)
    if "linking_coordinates" in work.tools.agency.features:
        await contacts.raise_generation(work.connection, link.contact_id, "normal")
    work.audit("link_ended", organization_id=organization_id, object_id=link.contact_id, link_id=str(link.link_id))
