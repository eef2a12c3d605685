"""Writing relations and rights inside a use case, and telling of each in the file of the organization acted for."""

from collections.abc import Sequence
from uuid import UUID

from chassis.work import Work
from contracts.authorizations import RelationAdded, RelationEnded, RightAdded, RightEnded
from services.authorizations.organizations.handlers import record
from services.authorizations.periods import Period
from services.authorizations.relations import storage
from services.authorizations.relations.domain import Grant, Granted, NewRelation, Relation, Right
from services.authorizations.tools import Tools


async def grant_relation(work: Work[Tools], new: NewRelation, grants: Sequence[Grant]) -> None:
    """Make a relation with its rights, and tell of both. Call it with the organizations locked."""
    await storage.add(work.connection, new, work.actor.reference, work.now)
    await record(
        work,
        RelationAdded,
        new.organization_id,
        relation_id=new.relation_id,
        type=new.type,
        holder_kind=new.holder_kind,
        holder_id=new.holder_id,
        through=new.through,
        membership=new.membership,
        all_rights=new.all_rights,
        valid=new.period.span,
    )
    await grant_rights(work, new.organization_id, new.relation_id, new.period, grants, new.request_id)


async def grant_rights(
    work: Work[Tools],
    organization_id: UUID,
    relation_id: UUID,
    period: Period,
    grants: Sequence[Grant],
    request_id: UUID | None = None,
) -> None:
    """Add rights to a relation, by the request that asked for them if one did, and tell of each."""
    granted = Granted(work.now, work.actor.reference, request_id)
    for grant in grants:
        await record_right(work, organization_id, relation_id, grant, period, granted)


async def record_right(
    work: Work[Tools], organization_id: UUID, relation_id: UUID, grant: Grant, period: Period, granted: Granted
) -> None:
    """Add one right to a relation, however it came about, and tell of it."""
    right_id = work.new_id()
    await storage.add_right(work.connection, right_id, relation_id, grant, period, granted)
    await record(
        work,
        RightAdded,
        organization_id,
        right_id=right_id,
        relation_id=relation_id,
        subject=grant.subject,
        level=grant.level,
        valid=period.span,
    )


async def withdraw_right(work: Work[Tools], relation: Relation, right: Right) -> None:
    """Withdraw one right of a relation that goes on, and tell of it; its holder hears of it by `withdraw_rights`."""
    await storage.end_right(work.connection, right.right_id, work.now)
    await record(
        work, RightEnded, relation.organization_id,
        right_id=right.right_id, relation_id=relation.relation_id, subject=right.subject, ended_at=work.now,
    )  # fmt: skip


async def withdraw_relation(work: Work[Tools], relation: Relation) -> None:
    """Withdraw a relation, and tell of it; whatever hangs on it is no longer in force from this moment on."""
    await storage.end(work.connection, relation.relation_id, work.now)
    await record(work, RelationEnded, relation.organization_id, relation_id=relation.relation_id, ended_at=work.now)
