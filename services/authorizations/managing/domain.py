"""Never the last: pure rules over who manages an organization."""

from collections.abc import Mapping, Set
from datetime import date
from uuid import UUID

from services.authorizations.periods import Period


def leaves_nobody(managing: Set[UUID], becoming: Mapping[UUID, Period | None], day: date) -> bool:
    """Whether a change leaves an organization without anybody who can act for it on the day.

    `managing` are the memberships by which somebody can, on that day as things stand. `becoming` says what the change
    makes of some that manage: another period, or None where it withdraws them.
    """
    staying = {relation_id for relation_id, period in becoming.items() if period is not None and period.contains(day)}
    return bool(managing) and not (managing - becoming.keys()) and not staying
