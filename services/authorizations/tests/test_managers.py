"""The rule of the last manager, at the day of a removal and at the day after a planned end."""

from datetime import date
from uuid import UUID, uuid4

import pytest

from services.authorizations.managing.domain import leaves_nobody
from services.authorizations.periods import Period

ONE, OTHER, MEMBER = uuid4(), uuid4(), uuid4()
DAY = date(2026, 7, 1)
UNTIL_THE_DAY_BEFORE = Period(date(2026, 1, 1), date(2026, 6, 30))
LONGER = Period(date(2026, 1, 1), date(2026, 12, 31))


@pytest.mark.parametrize(
    ("managing", "becoming", "leaves"),
    [
        ({ONE}, {ONE: None}, True),
        ({ONE, OTHER}, {ONE: None}, False),
        ({ONE, OTHER}, {ONE: None, OTHER: None, MEMBER: None}, True),
        ({ONE}, {MEMBER: None}, False),
        (set(), {MEMBER: None}, False),
        ({ONE}, {ONE: UNTIL_THE_DAY_BEFORE}, True),
        ({ONE}, {ONE: UNTIL_THE_DAY_BEFORE, OTHER: LONGER}, False),
        ({ONE, OTHER}, {ONE: UNTIL_THE_DAY_BEFORE, OTHER: UNTIL_THE_DAY_BEFORE}, True),
    ],
    ids=[
        "the last is withdrawn",
        "another stays",
        "all are withdrawn",
        "only a member goes",
        "nobody managed it before",
        "the last ends the day before",
        "another is kept longer instead",
        "all end the day before",
    ],
)
def test_an_organization_keeps_somebody_who_manages_it(
    managing: set[UUID], becoming: dict[UUID, Period | None], leaves: bool
) -> None:
    assert leaves_nobody(managing, becoming, DAY) is leaves
