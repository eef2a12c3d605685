"""Managing begins: every membership is made here, and of one that may manage everything follows that has to."""

from collections.abc import Sequence
from datetime import datetime, time

from chassis.work import Work
from contracts.authorizations import AdministratorAppointed
from services.authorizations.managing import mails
from services.authorizations.managing.domain import Because
from services.authorizations.managing.mails import Change
from services.authorizations.managing.marks import note_changed
from services.authorizations.organizations.handlers import record
from services.authorizations.relations.domain import Grant, NewRelation
from services.authorizations.relations.recording import grant_relation
from services.authorizations.tools import Tools


async def grant_membership(work: Work[Tools], new: NewRelation, grants: Sequence[Grant], because: Because) -> None:
    """Make somebody a member of their organization, as `grant_relation` does; for the contact's state publish it after.

    Who may manage it by that is an administrator: subscribers are told, the person, and those whom `mails.tell` names.
    """
    await grant_relation(work, new, grants)
    if new.type not in work.tools.managing_types:
        return
    organization_id, contact_id = new.organization_id, new.holder_id
    appointed = {"contact_id": contact_id, "relation_id": new.relation_id, "claim_id": because.claim_id}
    await record(work, AdministratorAppointed, organization_id, **appointed)
    why = {} if because.reason is None else {"reason": because.reason}
    work.audit("administrator_appointed", organization_id=organization_id, object_id=contact_id, **why)
    begins_at = datetime.combine(new.period.starts_on, time(), work.tools.time_zone)
    change = Change(contact_id, "appointed", max(begins_at, work.now), because.reason)
    await mails.tell(work, change, tells_person=because.tells_person, besides=because.besides)
    await note_changed(work, organization_id)
