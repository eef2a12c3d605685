"""What waits here, brought up to date by every worker: for operators, and for whoever leads the agents."""

from functools import partial

from chassis.chores import Chore, repeatedly
from chassis.work import Unit
from services.authorizations import metrics
from services.authorizations.tools import Tools

EVERY = 15.0  # seconds; nobody decides a request by the second

# By the index of what has a last day: as many rows as requests that wait.
UNDECIDED = """
select kind, coalesce(reason, '') as reason, decider, state, count(*) as waiting,
    greatest(extract(epoch from $1::timestamptz - min(received_at)), 0)::float as oldest
from requests where state in ('signing', 'submitted', 'returned') and lapses_on >= $2 group by 1, 2, 3, 4
"""
IMPORTS = """
select state, count(*) as imports, coalesce(sum(portions - next_portion), 0)::bigint as portions
from imports where state in ('receiving', 'waiting') group by state
"""
CLAIMS = """
select count(*) as waiting, coalesce(extract(epoch from $1::timestamptz - min(received_at)), 0)::float as oldest
from claims where decided_at is null
"""


def telling(unit: Unit[Tools]) -> Chore:
    """Keep the gauges of what waits up to date."""
    return partial(repeatedly, "figures", partial(look, unit), EVERY)


async def look(unit: Unit[Tools]) -> None:
    """Bring them up to date once. Raises what a failing database raises."""
    now = unit.origin.clock()
    undecided = await unit.pool.fetch(UNDECIDED, now, unit.tools.day(now))
    imports = {row["state"]: row for row in await unit.pool.fetch(IMPORTS)}
    claims = await unit.pool.fetchrow(CLAIMS, now)
    assert claims is not None
    metrics.CLAIMS_WAITING.set(claims["waiting"])
    metrics.CLAIMS_OLDEST.set(claims["oldest"])
    metrics.UNDECIDED.clear()
    metrics.UNDECIDED_OLDEST.clear()
    for row in undecided:
        labels = (row["kind"], row["reason"], row["decider"], row["state"])
        metrics.UNDECIDED.labels(*labels).set(row["waiting"])
        metrics.UNDECIDED_OLDEST.labels(*labels).set(row["oldest"])
    for state in ("receiving", "waiting"):
        metrics.IMPORTS.labels(state).set(imports[state]["imports"] if state in imports else 0)
    metrics.IMPORT_PORTIONS_LEFT.set(imports["waiting"]["portions"] if "waiting" in imports else 0)
