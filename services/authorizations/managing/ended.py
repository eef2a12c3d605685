"""Managing ends: whatever a contact holds is withdrawn here, and of what let it manage everything follows."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from chassis.work import Work
from contracts.agency.features import needed
from contracts.notifications import AdministratorStatusMail
from services.authorizations import rights_told
from services.authorizations.managing import mails
from services.authorizations.managing.mails import Change
from services.authorizations.managing.marks import note_changed
from services.authorizations.managing.questions import offices
from services.authorizations.relations import storage as relations
from services.authorizations.relations.domain import Relation
from services.authorizations.relations.recording import withdraw_relation
from services.authorizations.tools import Tools


async def withdraw_held(
    work: Work[Tools],
    contact_id: UUID,
    held: Sequence[Relation],
    reason: str | None = None,
    *,
    also_lost: Iterable[str] = (),
    tells_person: bool = True,
) -> None:
    """Withdraw relations of one contact, as `withdraw_relation` does; for its state publish it after.

    The person is told once of all that is lost: the subjects that the memberships among them carried, and those
    `also_lost` that the same act withdraws. Who manages its organization no more by that is told so in that mail, and
    so are those whom `mails.tell` names.
    """
    managed, lost = await offices(work, contact_id), list(also_lost)
    for relation in held:
        if relation.through is None:
            lost += [right.subject for right in await relations.rights_of(work.connection, relation.relation_id)]
        await withdraw_relation(work, relation)
    left = await offices(work, contact_id)
    if len(left) < len(managed):
        await note_changed(work, managed[0].organization_id)
    released = bool(managed) and not left
    if released:
        why = {} if reason is None else {"reason": reason}
        work.audit("administrator_released", organization_id=managed[0].organization_id, object_id=contact_id, **why)
        change = Change(contact_id, "released", work.now, reason, rights_told.told(work, lost))
        await mails.tell(work, change, tells_person=tells_person)
    says_so = released and needed(AdministratorStatusMail.needed_for, work.tools.agency.features)
    if tells_person and not says_so:
        await rights_told.tell_withdrawn(work, contact_id, lost)
