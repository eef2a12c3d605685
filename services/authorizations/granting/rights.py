"""Subjects that are added to a relation later, each with dates of its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from chassis.outcomes import Refusal
from chassis.work import Work
from contracts.agency.forms import FormKind
from contracts.events import Language
from services.authorizations.access import storage as access
from services.authorizations.access.domain import AsProfile, Moment
from services.authorizations.access.handlers import may_manage
from services.authorizations.attachments.handlers import attach, refuse_attachments
from services.authorizations.attestations.domain import Ticked
from services.authorizations.attestations.handlers import keep_attestations
from services.authorizations.contacts.state import publish_state
from services.authorizations.mailing import rights_told
from services.authorizations.managing.domain import Ending
from services.authorizations.managing.ended import withdraw_rights
from services.authorizations.organizations import storage as organizations
from services.authorizations.periods import Period
from services.authorizations.relations import domain
from services.authorizations.relations import storage as relations
from services.authorizations.relations.domain import Grant, Relation
from services.authorizations.relations.recording import grant_rights
from services.authorizations.tools import Tools


@dataclass(frozen=True)
class AddRights:
    """More that the holder of a relation may do, or the same at a higher level."""

    by: AsProfile
    relation_id: UUID
    period: Period
    grants: Sequence[Grant]
    ticked: Sequence[Ticked]
    language: Language
    attachments: Sequence[UUID] = ()


async def add_rights(work: Work[Tools], command: AddRights) -> UUID | Refusal:
    """Let the holder of a relation, a contact or an organization, do more. Returns the relation's id.

    To a contact's relation those add who manage its own organization, to an organization's those of the one acted for.
    A right at a lower level gives way to the higher.
    """
    relation = await _locked(work, command.relation_id)
    if relation is None:
        return Refusal("not_found")
    of_contact = relation.holder_kind == "contact"
    granting_id = relation.holder_organization_id if of_contact else relation.organization_id
    acting = await may_manage(work, command.by, granting_id)
    if isinstance(acting, Refusal):
        return acting
    period = domain.within(command.period, relation.period)
    if refusal := await _refuse(work, command, relation, period):
        return refusal
    assert period is not None
    wanted = {grant.subject: grant.level for grant in command.grants}
    standing = await relations.rights_of(work.connection, relation.relation_id, wanted, period)
    if not all(domain.gives_way(held, wanted[held.subject], period, work.today) for held in standing):
        return Refusal("already_held", fields=("subjects",))
    form: FormKind = "addition" if of_contact else "representation"
    if refusal := await refuse_attachments(work, command.by, form, command.attachments):
        return refusal
    if refusal := await keep_attestations(work, command.by, relation.relation_id, form, command.ticked):
        return refusal
    await attach(work, relation.relation_id, command.attachments)
    raised = [(relation, held) for held in standing]
    await withdraw_rights(work, raised, Ending(tells_person=False))  # told of what takes their place
    await grant_rights(work, relation.organization_id, relation.relation_id, period, command.grants)
    if of_contact:
        await publish_state(work, relation.holder_id)
    if of_contact and relation.through is None:
        await rights_told.tell_given(work, relation.holder_id, command.grants, period)
    for organization_id in {relation.organization_id, relation.holder_organization_id}:
        work.audit(
            "rights_added", organization_id=organization_id, object_id=relation.relation_id,
            holder=str(relation.holder_id),
        )  # fmt: skip
    return relation.relation_id


async def _locked(work: Work[Tools], relation_id: UUID) -> Relation | None:
    """The relation, whose organizations are locked."""
    seen = next(iter(await relations.get(work.connection, [relation_id])), None)
    if seen is None:
        return None
    await organizations.lock(work.connection, [seen.organization_id, seen.holder_organization_id])
    work.take_time(after=await relations.recorded(work.connection, [relation_id]))
    (relation,) = await relations.get(work.connection, [relation_id])
    return relation


async def _refuse(work: Work[Tools], command: AddRights, relation: Relation, period: Period | None) -> Refusal | None:
    """Of a client never more than the firm holds for those days."""
    if relation.is_over(work.today):
        return Refusal("relation_over")
    if relation.all_rights:
        return Refusal("all_subjects_delegated", fields=("subjects",))
    if period is None:
        return Refusal("dates_refused", fields=("starts_on", "ends_on"))
    kind = (await organizations.one(work.connection, relation.organization_id)).kind
    delegated = relation.through is not None
    refusal = domain.refuse_period(period, work.today) or domain.refuse_subjects(
        work.tools.agency, kind, command.grants, work.today, command.language, delegated=delegated
    )
    if refusal or relation.through is None:
        return refusal
    moment = Moment(work.now, max(period.starts_on, work.today), work.tools.delegable)
    firms = await access.held_by_relation(work.connection, moment, relation.through)
    return domain.refuse_wider(work.tools.agency, command.grants, firms, command.language)
