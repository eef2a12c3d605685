"""Whether entries are sealed, and how late."""

from prometheus_client import Counter, Gauge

from chassis.database import Pool

SEALED = Counter("mandat_audit_sealed", "Entries of the audit that this process has sealed into their chains")
UNSEALED_AGE = Gauge(
    "mandat_audit_unsealed_seconds",
    "Age of the oldest entry of the audit that is not sealed: until then a change of it leaves no trace. 0: none waits",
)

OLDEST = """
select greatest(extract(epoch from clock_timestamp() - a.at), 0)::float
from audit_unsealed u join audit a on a.id = u.entry_id order by u.entry_id limit 1
"""


async def look(pool: Pool) -> None:
    """Bring the gauge up to date. Raises what a failing database raises."""
    UNSEALED_AGE.set(await pool.fetchval(OLDEST) or 0)
