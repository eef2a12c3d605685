"""That a mandate is used: the audit names mandate and delegate, once for each mandate and day, when a service asks.

A check in itself leaves no trace here: services ask many times an hour, and keep what is done in them. What it rests on
is looked up the first time that a process answers yes that day, and never again.
"""

from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID

from chassis.database import Connection
from chassis.work import Actor, Unit, Work
from services.authorizations.access.domain import Decision, Moment
from services.authorizations.dated import in_force, known
from services.authorizations.tools import Tools

# The mandate whose right carries a relation's subject at the moment, unless its use was noted that day already.
NOTE = f"""
update mandates m set used_on = $2::date from rights r
join relations of_mandate on of_mandate.relation_id = r.relation_id and {known("of_mandate")}
where r.relation_id = $3 and r.subject = $4 and {known("r")} and {in_force("r")} and m.right_id = r.right_id
    and (m.used_on is null or m.used_on < $2::date)
returning m.request_id as mandate_id, m.contact_id, of_mandate.organization_id
"""


@dataclass(frozen=True)
class Use:
    """A yes to a service that asked about now: by which relation, to which subject, on the agency's day."""

    relation_id: UUID
    subject: str
    moment: Moment


@dataclass
class Uses:
    """Remembers of a process, for a day, which yeses were looked at."""

    day: date = date.min
    seen: set[tuple[UUID, str]] = field(default_factory=set)

    async def note(self, unit: Unit[Tools], actor: Actor, decision: Decision, subject: str, at: datetime) -> None:
        """Note a yes. A transaction the first time; nothing but a look at a set from then on."""
        if not decision.allowed or decision.relation_id is None or "mandates" not in unit.tools.agency.features:
            return
        moment = unit.tools.moment(at)
        if moment.day != self.day:
            self.day, self.seen = moment.day, set()
        if (decision.relation_id, subject) not in self.seen:
            await unit.run(note_use, Use(decision.relation_id, subject, moment), actor)
            self.seen.add((decision.relation_id, subject))


async def note_use(work: Work[Tools], use: Use) -> None:
    """The first yes of the day that rests on a mandate stands in its organization's audit."""
    noted = await _note(work.connection, use)
    if noted is not None:
        mandate_id, contact_id, organization_id = noted
        work.audit(
            "mandate_used",
            organization_id=organization_id,
            object_id=contact_id,
            mandate_id=str(mandate_id),
            subject=use.subject,
        )


async def _note(connection: Connection, use: Use) -> tuple[UUID, UUID, UUID] | None:
    row = await connection.fetchrow(NOTE, use.moment.at, use.moment.day, use.relation_id, use.subject)
    return (row["mandate_id"], row["contact_id"], row["organization_id"]) if row else None
