"""Managing ends: whatever somebody holds is withdrawn here, and of what let it manage everything follows."""

from collections.abc import Collection, Sequence
from uuid import UUID

from chassis.work import Work
from contracts.agency.features import needed
from contracts.notifications import AdministratorStatusMail
from services.authorizations.mailing import rights_told
from services.authorizations.managing import mails, representation
from services.authorizations.managing.domain import Ending
from services.authorizations.managing.mails import Change
from services.authorizations.managing.marks import note_changed
from services.authorizations.managing.questions import offices
from services.authorizations.relations import storage as relations
from services.authorizations.relations.domain import Relation, Right
from services.authorizations.relations.recording import withdraw_relation, withdraw_right
from services.authorizations.tools import Tools


async def withdraw_held(
    work: Work[Tools], contact_id: UUID, held: Sequence[Relation], ending: Ending
) -> Collection[str]:
    """Withdraw relations of one contact, as `withdraw_relation` does; for its state publish it after.

    The person is told once of all that is lost, which is returned: the subjects that the memberships among them
    carried. Who manages its organization no more by that is told so in that mail, and so are those whom `mails.tell`
    names.
    """
    managed, lost = await offices(work, contact_id), list[str]()
    for relation in held:
        if relation.through is None:
            rights = await relations.rights_of(work.connection, relation.relation_id)
            lost += [right.subject for right in rights if not right.period.is_over(work.today)]
        await withdraw_relation(work, relation)
    left = await offices(work, contact_id)
    if len(left) < len(managed):
        await note_changed(work, managed[0].organization_id)
    released = bool(managed) and not left
    if released:
        why = {} if ending.reason is None else {"reason": ending.reason}
        work.audit("administrator_released", organization_id=managed[0].organization_id, object_id=contact_id, **why)
        change = Change(contact_id, "released", work.now, ending.reason, rights_told.told(work, lost))
        await mails.tell(work, change, tells_person=ending.tells_person, tells_others=ending.tells_others)
    says_so = released and needed(AdministratorStatusMail.needed_for, work.tools.agency.features)
    if ending.tells_person and not says_so:
        await rights_told.tell_withdrawn(work, contact_id, lost)
    return lost


async def withdraw_rights(work: Work[Tools], falling: Sequence[tuple[Relation, Right]], ending: Ending) -> None:
    """Withdraw rights of relations that go on; for their holders' states publish them after.

    Each person is told once of all the subjects that are lost in their own organization, and an organization of those
    that another took back.
    """
    lost, taken = dict[UUID, list[str]](), dict[UUID, tuple[Relation, list[str]]]()
    for relation, right in falling:
        await withdraw_right(work, relation, right)
        if relation.holder_kind == "organization":
            taken.setdefault(relation.relation_id, (relation, []))[1].append(right.subject)
        elif relation.through is None:
            lost.setdefault(relation.holder_id, []).append(right.subject)
    if not ending.tells_person:
        return
    for contact_id, subjects in lost.items():
        await rights_told.tell_withdrawn(work, contact_id, subjects)
    for relation, subjects in taken.values():
        await representation.tell_withdrawn(work, relation, subjects)


async def withdraw_representation(work: Work[Tools], relation: Relation, ending: Ending) -> None:
    """Withdraw the relation by which an organization acts for another, and tell it.

    Whatever is delegated through it is no longer in force from this moment on.
    """
    await withdraw_relation(work, relation)
    if ending.tells_person:
        await representation.tell_withdrawn(work, relation)
