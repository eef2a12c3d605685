"""Subjects that are added to a relation later, each with dates of its own."""

from uuid import UUID

from chassis.outcomes import Refusal
from chassis.work import Work
from services.authorizations.access import storage as access
from services.authorizations.access.domain import Moment
from services.authorizations.access.handlers import may_manage
from services.authorizations.attachments.handlers import attach, refuse_attachments
from services.authorizations.attestations.handlers import keep_attestations
from services.authorizations.contacts.state import publish_state
from services.authorizations.organizations import storage as organizations
from services.authorizations.periods import Period
from services.authorizations.relations import domain as granting
from services.authorizations.relations import storage as relations
from services.authorizations.relations.handlers import grant_rights, withdraw_right
from services.authorizations.relations.storage import RelationRow
from services.authorizations.representations import domain as representing
from services.authorizations.representations import handlers as representations
from services.authorizations.representations import storage as held
from services.authorizations.representations.handlers import AddRights
from services.authorizations.tools import Tools


async def add_rights(work: Work[Tools], command: AddRights) -> UUID | Refusal:
    """Let the holder of a relation, a contact or an organization, do more. Returns the relation's id."""
    for relation in await relations.get(work.connection, [command.relation_id]):
        if relation.holder_kind == "contact":
            return await _add_to_contact(work, command, relation)
    return await representations.add_rights(work, command)


async def _add_to_contact(work: Work[Tools], command: AddRights, seen: RelationRow) -> UUID | Refusal:
    """By those who manage the contact's own organization; of a client never more than the firm holds for those days."""
    home = seen.holder_organization_id
    await organizations.lock(work.connection, [seen.organization_id, home])
    work.take_time(after=await relations.last_recorded(work.connection, seen.holder_id))
    acting = await may_manage(work, command.by, home)
    if isinstance(acting, Refusal):
        return acting
    (relation,) = await relations.get(work.connection, [seen.relation_id])
    period = representing.within(command.period, relation.period)
    if refusal := await _refuse(work, command, relation, period):
        return refusal
    assert period is not None
    wanted = {grant.subject: grant.level for grant in command.grants}
    standing = await held.held_rights(work.connection, relation.relation_id, wanted, period)
    if not all(
        representing.gives_way(right.level, right.period, wanted[right.subject], period, work.today)
        for right in standing
    ):
        return Refusal("already_held", fields=("subjects",))
    if refusal := await refuse_attachments(work, command.by, "addition", command.attachments):
        return refusal
    if refusal := await keep_attestations(work, command.by, relation.relation_id, "addition", command.ticked):
        return refusal
    await attach(work, relation.relation_id, command.attachments)
    for right in standing:
        await withdraw_right(work, relation.organization_id, relation.relation_id, right.right_id, right.subject)
    await grant_rights(work, relation.organization_id, relation.relation_id, period, command.grants)
    await publish_state(work, relation.holder_id)
    for organization_id in {relation.organization_id, home}:
        work.audit(
            "rights_added", organization_id=organization_id, object_id=relation.relation_id,
            holder=str(relation.holder_id),
        )  # fmt: skip
    return relation.relation_id


async def _refuse(
    work: Work[Tools], command: AddRights, relation: RelationRow, period: Period | None
) -> Refusal | None:
    if relation.is_over(work.today):
        return Refusal("relation_over")
    if relation.all_rights:
        return Refusal("all_subjects_delegated", fields=("subjects",))
    if period is None:
        return Refusal("dates_refused", fields=("starts_on", "ends_on"))
    kind = (await organizations.get(work.connection, [relation.organization_id]))[relation.organization_id].kind
    delegated = relation.through is not None
    refusal = granting.refuse_period(period, work.today) or granting.refuse_subjects(
        work.tools.agency, kind, command.grants, work.today, command.language, delegated=delegated
    )
    if refusal or relation.through is None:
        return refusal
    moment = Moment(work.now, max(period.starts_on, work.today), work.tools.delegable)
    firms = await access.held_by_relation(work.connection, moment, relation.through)
    return granting.refuse_wider(work.tools.agency, command.grants, firms, command.language)
