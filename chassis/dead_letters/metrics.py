"""How many letters there are, and how many have left."""

from typing import get_args

from prometheus_client import Gauge

from chassis.database import Pool
from chassis.dead_letters.storage import FIGURES, Settled

PARKED = Gauge(
    "mandat_dead_letters",
    "Messages parked and not yet redriven or dropped; each is an effect that has not happened",
    ["consumer"],
)
OLDEST = Gauge("mandat_dead_letters_oldest_seconds", "How long ago the oldest parked message was first tried; 0: none")
SETTLED = Gauge(
    "mandat_dead_letters_settled",
    "Parked messages that operators and agents have redriven or dropped since this database began",
    ["ending"],
)


async def look(pool: Pool) -> None:
    """Bring the gauges up to date. Raises what a failing database raises."""
    row = await pool.fetchrow(FIGURES)
    assert row is not None
    PARKED.clear()
    for consumer, number in row["parked"].items():
        PARKED.labels(consumer).set(number)
    OLDEST.set(row["oldest"])
    for ending in get_args(Settled):
        SETTLED.labels(ending).set(row["settled"].get(ending, 0))
