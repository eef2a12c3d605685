"""Managing ends: whatever a contact holds is withdrawn here, and of what let it manage everything follows."""

from collections.abc import Sequence
from uuid import UUID

from chassis.work import Work
from services.authorizations.managing import mails
from services.authorizations.managing.mails import Change
from services.authorizations.managing.marks import note_changed
from services.authorizations.relations import storage as relations
from services.authorizations.relations.domain import Relation
from services.authorizations.relations.recording import withdraw_relation
from services.authorizations.tools import Tools


async def offices(work: Work[Tools], contact_id: UUID) -> list[Relation]:
    """The memberships by which a contact manages its organization, now or later."""
    held = await relations.memberships_of(work.connection, contact_id)
    return [relation for relation in held if relation.type in work.tools.managing and not relation.is_over(work.today)]


async def withdraw_held(
    work: Work[Tools],
    contact_id: UUID,
    held: Sequence[Relation],
    reason: str | None = None,
    *,
    tells_person: bool = True,
) -> list[str]:
    """Withdraw relations of one contact, as `withdraw_relation` does; for its state publish it after.

    Who manages its organization no more by that is told, and so are those whom `mails.tell` names. Returns the subjects
    that the memberships among them carried.
    """
    managed, lost = await offices(work, contact_id), list[str]()
    for relation in held:
        if relation.through is None:
            lost += [right.subject for right in await relations.rights_of(work.connection, relation.relation_id)]
        await withdraw_relation(work, relation)
    left = await offices(work, contact_id)
    if len(left) < len(managed):
        await note_changed(work, managed[0].organization_id)
    if managed and not left:
        await _tell(work, managed[0].organization_id, contact_id, reason, tells_person=tells_person)
    return lost


async def _tell(
    work: Work[Tools], organization_id: UUID, contact_id: UUID, reason: str | None, *, tells_person: bool
) -> None:
    why = {} if reason is None else {"reason": reason}
    work.audit("administrator_released", organization_id=organization_id, object_id=contact_id, **why)
    await mails.tell(work, Change(contact_id, "released", work.now, reason), tells_person=tells_person)
