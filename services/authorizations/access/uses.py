"""That a mandate is used: the audit names mandate and delegate, once for each mandate and day, when a service asks.

A check in itself leaves no trace here: services ask many times an hour, and keep what is done in them. What it rests on
is looked up, once it is answered, the first time that a process says yes that day.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TypeAlias
from uuid import UUID

import structlog

from chassis.database import Connection
from chassis.work import Actor, Unit, Work
from services.authorizations.access.domain import Moment
from services.authorizations.dated import in_force, known
from services.authorizations.tools import Tools

log = structlog.get_logger()

MOST_REMEMBERED = 100_000
"""Yeses of one day that a process remembers, some 20 MB; past that it forgets them, and looks again."""

Yes: TypeAlias = tuple[UUID, str]
"""A yes by the relation that it rests on, and the subject."""

OF_MANDATES = f"""
select distinct r.relation_id, r.subject from unnest($3::uuid[], $4::text[]) as said (relation_id, subject)
join rights r on r.relation_id = said.relation_id and r.subject = said.subject and {known("r")} and {in_force("r")}
join mandates m on m.right_id = r.right_id
where m.used_on is null or m.used_on < $2::date
"""

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
    seen: set[Yes] = field(default_factory=set)

    def fresh(self, yeses: Iterable[Yes], day: date) -> Sequence[Yes]:
        """Which of these nobody looked at that day yet, as far as is remembered."""
        if day != self.day:
            self.day, self.seen = day, set()
        return sorted(set(yeses) - self.seen)

    async def note(self, unit: Unit[Tools], actor: Actor, fresh: Sequence[Yes], moment: Moment) -> None:
        """Note those that rest on a mandate: one look for all, and a transaction for each of these.

        It follows an answer, which nothing that happens here may spoil: what fails is logged, and tried again with the
        next yes.
        """
        try:
            async with unit.pool.acquire() as connection:
                of_mandates = await _of_mandates(connection, fresh, moment)
            for relation_id, subject in of_mandates:
                await unit.run(note_use, Use(relation_id, subject, moment), actor)
        except Exception as error:
            log.error("use of a mandate not noted", exc_info=error)
            return
        if moment.day == self.day:
            if len(self.seen) + len(fresh) > MOST_REMEMBERED:
                self.seen.clear()
            self.seen.update(fresh)


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


async def _of_mandates(connection: Connection, yeses: Sequence[Yes], moment: Moment) -> Sequence[Yes]:
    relations, subjects = [relation_id for relation_id, _ in yeses], [subject for _, subject in yeses]
    rows = await connection.fetch(OF_MANDATES, moment.at, moment.day, relations, subjects)
    return [(row["relation_id"], row["subject"]) for row in rows]


async def _note(connection: Connection, use: Use) -> tuple[UUID, UUID, UUID] | None:
    row = await connection.fetchrow(NOTE, use.moment.at, use.moment.day, use.relation_id, use.subject)
    return (row["mandate_id"], row["contact_id"], row["organization_id"]) if row else None
