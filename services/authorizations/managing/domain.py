"""Who manages an organization: why that begins or ends, and who is told of it; never the last, by pure rules."""

from collections.abc import Mapping, Set
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from services.authorizations.periods import Period


@dataclass(frozen=True)
class Because:
    """Why a membership begins: by a claim, or for this reason. `tells_person`: unless told of it in other words.

    Contacts `besides` are not told that somebody else manages: the same act tells them more.
    """

    claim_id: UUID | None = None
    reason: str | None = None
    tells_person: bool = True
    besides: frozenset[UUID] = frozenset()


TOLD_OTHERWISE = Because(tells_person=False)


@dataclass(frozen=True)
class Ending:
    """Why what somebody holds is withdrawn: for this reason. Whom it tells, unless the same act does in other words:
    the person, or those who manage the organization that held it; and where somebody manages an organization no more by
    it, the others who have to know.
    """

    reason: str | None = None
    tells_person: bool = True
    tells_others: bool = True


def leaves_nobody(managing: Set[UUID], becoming: Mapping[UUID, Period | None], day: date) -> bool:
    """Whether a change leaves an organization without anybody who can act for it on the day.

    `managing` are the memberships by which somebody can, on that day as things stand. `becoming` says what the change
    makes of some that manage: another period, or None where it withdraws them.
    """
    staying = {relation_id for relation_id, period in becoming.items() if period is not None and period.contains(day)}
    return bool(managing) and not (managing - becoming.keys()) and not staying
