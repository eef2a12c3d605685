"""The end dates of a contact's relations: which may change, and what follows from it."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from uuid import UUID

from chassis.outcomes import Refusal
from chassis.work import Work
from contracts.authorizations import RelationChanged, RightChanged
from services.authorizations.contacts.domain import ContactFile
from services.authorizations.corrections import domain, storage
from services.authorizations.corrections.domain import GrantedRight, NewEnd
from services.authorizations.managing.domain import Ending
from services.authorizations.managing.ended import withdraw_rights
from services.authorizations.managing.questions import refuse_last_manager
from services.authorizations.organizations.handlers import record
from services.authorizations.periods import Period
from services.authorizations.relations import storage as relations
from services.authorizations.relations.domain import Relation
from services.authorizations.tools import Tools


async def organizations_of(work: Work[Tools], contact_id: UUID, relation_ids: Iterable[UUID]) -> list[UUID]:
    """The organizations acted for by these relations, as far as the contact holds them: theirs are the files."""
    found = await relations.get(work.connection, relation_ids)
    return [relation.organization_id for relation in found if relation.holder_id == contact_id]


async def plan(
    work: Work[Tools], contact: ContactFile, held: Sequence[Relation], ends: Mapping[UUID, date | None]
) -> list[NewEnd] | Refusal:
    """The relations that are to end on another day than now."""
    own = {relation.relation_id: relation for relation in held}
    new_ends = []
    for relation_id, ends_on in ends.items():
        relation = own.get(relation_id)
        if relation is None:
            return Refusal("not_found", fields=("relations",))
        if refusal := domain.refuse_end(relation, ends_on, work.today):
            return refusal
        if ends_on != relation.period.ends_on:
            new_ends.append(NewEnd(relation, Period(relation.period.starts_on, ends_on)))
    for new_end in new_ends:
        if await relations.overlaps(work.connection, new_end.relation, new_end.period):
            return Refusal("already_held", fields=("relations",))
    return await _refuse_last_manager(work, contact, new_ends) or new_ends


async def carry_out(work: Work[Tools], contact: ContactFile, new_ends: Sequence[NewEnd]) -> None:
    """Change the relations, and their rights with them; each file concerned tells of it."""
    for new_end in new_ends:
        relation, period = new_end.relation, new_end.period
        rights = await storage.rights(work.connection, relation.relation_id)
        await relations.change(work.connection, relation.relation_id, period, work.now)
        await record(
            work, RelationChanged, relation.organization_id, relation_id=relation.relation_id, valid=period.span
        )
        for right in rights:
            await _follow(work, new_end, right)
        for organization_id in {relation.organization_id, contact.organization_id}:
            work.audit(
                "relation_changed", organization_id=organization_id, object_id=relation.relation_id,
                holder=str(contact.contact_id), ends_on=period.span.ends_on,
            )  # fmt: skip


async def _follow(work: Work[Tools], new_end: NewEnd, right: GrantedRight) -> None:
    """A right ends with its relation or earlier. One that would only begin later never comes into force."""
    ends_on, relation = domain.end_of_right(right, new_end.period.ends_on), new_end.relation
    if right.period.is_over(work.today) or ends_on == right.period.ends_on:
        return
    if ends_on is not None and ends_on < right.period.starts_on:
        await withdraw_rights(work, [(relation, right)], Ending(tells_person=False))  # the correction's mail does
        return
    period = Period(right.period.starts_on, ends_on)
    await relations.change_right(work.connection, right.right_id, period, work.now)
    await record(
        work, RightChanged, relation.organization_id,
        right_id=right.right_id, relation_id=relation.relation_id, subject=right.subject, valid=period.span,
    )  # fmt: skip


async def _refuse_last_manager(work: Work[Tools], contact: ContactFile, new_ends: Sequence[NewEnd]) -> Refusal | None:
    """On the day after each end that comes earlier somebody must manage the organization, as far as is planned."""
    managing = [
        end for end in new_ends if end.relation.type in work.tools.managing_types and end.relation.through is None
    ]
    becoming = {end.relation.relation_id: end.period for end in managing}
    for end in managing:
        if not end.is_shorter or end.period.ends_on is None:
            continue
        day_after = end.period.ends_on + timedelta(days=1)
        if refusal := await refuse_last_manager(work, contact.organization_id, becoming, day_after, "relations"):
            return refusal
    return None
