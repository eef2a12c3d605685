"""Figures of the tables and of the event loop, brought up to date every second."""

import asyncio
import time

from prometheus_client import Gauge

from chassis.audit import metrics as audit
from chassis.database import Pool, neighbour_failed
from chassis.dead_letters import metrics as dead_letters

OUTBOX_DEPTH = Gauge(
    "mandat_outbox_depth",
    "Rows in the outbox that Kafka has not acknowledged, counted to 100,000; bulk work waits while it is deep",
)
OUTBOX_AGE = Gauge(
    "mandat_outbox_age_seconds",
    "Age of the oldest row in the outbox: how late others learn of a change. Above seconds, no relay is at work, Kafka"
    " does not answer, or a topic is missing",
)
INBOX_ROWS = Gauge(
    "mandat_inbox_rows",
    "Messages that the inbox remembers so that none is applied twice, as PostgreSQL estimates; pruned every hour",
)
SILENT = Gauge(
    "mandat_database_silent_seconds",
    "For how long no look at this service's tables has succeeded; the figures of its tables stand still meanwhile",
)
CLOCK_SKEW = Gauge(
    "mandat_clock_skew_seconds",
    "This process's clock less the database's, at the last look; tokens are taken up to 5 s early or late",
)
LOOP_LAG = Gauge("mandat_loop_lag_seconds", "How late the event loop woke a task, at the last look")
POOL = Gauge("mandat_pool_connections", "Connections of this process to the database, in use or idle", ["state"])
POOL_LIMIT = Gauge("mandat_pool_limit", "How many connections to the database this process may open")
PROCESS = Gauge(
    "mandat_process_info",
    "1: a process runs in this role (api, worker, all), of this release, for this agency, by this version of its data",
    ["role", "version", "agency", "policy"],
)
LOOK_EVERY = 1.0  # seconds
COUNT_TO = 100_000  # rows of the outbox; deeper than that is one alert, and counting would slow it further


async def observe(pool: Pool) -> None:
    """Keep the gauges of the tables and of the loop up to date."""
    seen = time.monotonic()
    while True:
        before = time.monotonic()
        await asyncio.sleep(LOOK_EVERY)
        LOOP_LAG.set(max(0.0, time.monotonic() - before - LOOK_EVERY))
        look_at_pool(pool)
        try:
            asked = time.time()
            row = await pool.fetchrow(
                "select (select count(*) from (select from outbox limit $1) counted) as depth,"
                " coalesce((select extract(epoch from clock_timestamp() - created_at)::float from outbox"
                " order by id limit 1), 0) as age,"
                " (select greatest(reltuples, 0) from pg_class where oid = 'inbox'::regclass) as remembered,"
                " extract(epoch from clock_timestamp())::float as now",
                COUNT_TO,
            )
            answered = time.time()
            await dead_letters.look(pool)
            await audit.look(pool)
        except Exception as error:
            if not neighbour_failed(error):
                raise
            SILENT.set(time.monotonic() - seen)
            continue
        assert row is not None
        seen = time.monotonic()
        SILENT.set(0)
        CLOCK_SKEW.set(max(asked - row["now"], min(answered - row["now"], 0.0)))
        OUTBOX_DEPTH.set(row["depth"])
        OUTBOX_AGE.set(row["age"])
        INBOX_ROWS.set(row["remembered"])


def look_at_pool(pool: Pool) -> None:
    """How many connections this process has, and how many it may have."""
    POOL.labels("used").set(pool.get_size() - pool.get_idle_size())
    POOL.labels("idle").set(pool.get_idle_size())
    POOL_LIMIT.set(pool.get_max_size())
