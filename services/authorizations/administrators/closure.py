"""What falls with an administrator: whatever the person caused, and those whom the person made administrators."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from uuid import UUID

from chassis.work import Work
from services.authorizations.administrators import domain, storage
from services.authorizations.administrators.domain import Cause, FallingRight, Office, Withdrawn
from services.authorizations.administrators.storage import CausedRight, OfficeRow
from services.authorizations.organizations import storage as organizations
from services.authorizations.periods import Period
from services.authorizations.relations import domain as rules
from services.authorizations.relations import storage as relations
from services.authorizations.relations.domain import HeldRight, Relation
from services.authorizations.tools import Tools


async def offices_of(work: Work[Tools], organization_id: UUID) -> list[Office]:
    """Every membership that manages an organization, or did."""
    rows = await storage.offices(work.connection, organization_id, work.tools.managing_types)
    return [_office(work, row) for row in rows]


async def what_falls(
    work: Work[Tools],
    organization_id: UUID,
    offices: Sequence[Office],
    replaced: UUID,
    since: datetime,
    successor: UUID | None,
) -> Withdrawn:
    """Everything that falls with a contact who manages since then. The preview shows it, and the act withdraws it."""
    actors = await storage.actors_of(work.connection, {replaced, *(office.contact_id for office in offices)})
    fallen = domain.falling(offices, replaced, since, successor, actors, work.now)
    causes = domain.causes_of(fallen, actors)
    falling = await _relations(work, organization_id, causes, replaced, successor)
    gone = {relation.relation_id for relation in falling}
    links = await storage.links_caused(work.connection, organization_id, causes)
    released = {office.contact_id for office in offices if office.relation_id in gone and office.stands(work.now)}
    told = await organizations.for_linking(work.connection, organization_id)
    return Withdrawn(
        since=since,
        managers=[replaced, *sorted(released - {replaced})],
        relations=falling,
        rights=await _rights(work, organization_id, causes, gone, successor),
        links=[link for link in links if link.contact_id != successor],
        requests=await storage.requests_open(work.connection, organization_id, causes),
        blocks=await storage.blocks_standing(work.connection, organization_id, causes),
        renews_code=told.code_generation > 0,
    )


async def _relations(
    work: Work[Tools], organization_id: UUID, causes: Sequence[Cause], replaced: UUID, successor: UUID | None
) -> list[Relation]:
    """Every membership of whoever is replaced, by whomever it was given, and what those who fall gave others."""
    own = await relations.memberships_of(work.connection, replaced)
    caused = await relations.get(
        work.connection, await storage.relations_caused(work.connection, organization_id, causes)
    )
    given = [relation for relation in caused if relation.holder_id not in (replaced, successor)]
    ordered = [*own, *sorted(given, key=lambda relation: relation.relation_id)]
    return [relation for relation in ordered if not relation.is_over(work.today)]


async def _rights(
    work: Work[Tools], organization_id: UUID, causes: Sequence[Cause], gone: set[UUID], successor: UUID | None
) -> list[FallingRight]:
    caused = [
        right
        for right in await storage.rights_caused(work.connection, organization_id, causes)
        if right.relation_id not in gone and right.holder_id != successor
    ]
    raised = [right.right_id for right in caused if right.level == "write"]
    before = await storage.taken_by(work.connection, organization_id, causes, raised)
    going = {right.right_id for right in caused}
    return [
        FallingRight(
            right.right_id, right.relation_id, right.organization_id, right.holder_id, right.subject, right.level,
            await _back(work, right, before.get(right.right_id, ()), going),
        )
        for right in caused
    ]  # fmt: skip


async def _back(
    work: Work[Tools], right: CausedRight, before: Sequence[HeldRight], going: set[UUID]
) -> list[HeldRight]:
    """What was held for reading stands again, for the days that were left of it and that nothing else has taken."""
    if not before:
        return []
    [relation] = await relations.get(work.connection, [right.relation_id])
    back = []
    for held in before:
        period = rules.within(
            Period(max(held.period.starts_on, work.today, relation.period.starts_on), held.period.ends_on),
            relation.period,
        )
        if period is None or period.is_refused(work.today):
            continue
        others = await relations.rights_of(work.connection, relation.relation_id, [held.subject], period)
        if all(other.right_id in going for other in others):
            back.append(HeldRight(held.right_id, held.subject, held.level, period))
    return back


def _office(work: Work[Tools], row: OfficeRow) -> Office:
    ends = row.ended_at
    if row.period.ends_on is not None:
        over = _begin(work, row.period.ends_on + timedelta(days=1))
        ends = over if ends is None else min(ends, over)
    return Office(
        relation_id=row.relation_id,
        contact_id=row.contact_id,
        granted_at=row.granted_at,
        since=max(row.granted_at, _begin(work, row.period.starts_on)),
        until=ends,
        by=frozenset(name for name in (row.granted_by, row.asked_by) if name is not None),
    )


def _begin(work: Work[Tools], day: date) -> datetime:
    """The instant at which a legal day of the agency begins."""
    return datetime.combine(day, time(), work.tools.time_zone)
