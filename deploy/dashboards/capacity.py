"""What processes have in hand: connections, loop, memory, chores."""

from deploy.dashboards.grafana import Dashboard, Panel, Query, Row
from deploy.dashboards.promql import of, quantile, rate, rose, worst

PROCESS = "{{service}} {{instance}}"
USED = 'state="used"'

BOARD = Dashboard(
    "capacity",
    "Capacity",
    "Connections to the database, event loop, memory, work that nobody asks for; sums: docs/operations/sizing.md.",
    [
        Row("The database, from here", [
            Panel(
                "Connections in use, of those allowed",
                "Below half. Near 1 requests wait for each other: give more connections, or more processes.",
                [Query(f"max by (service, instance) ({of('mandat_pool_connections', USED)} / ignoring (state)"
                       f" {of('mandat_pool_limit')})", PROCESS)],
                "percentunit", alerts=["MandatPoolExhausted"], limits=(0.7, 0.9), most=1,
            ),
            Panel(
                "99 of 100 have their connection within",
                "Below 1 ms. Above 5 s the caller is told to come again.",
                [Query(quantile(0.99, "mandat_pool_wait_seconds"))], "s", alerts=["MandatPoolExhausted"],
                limits=(0.1, 1),
            ),
            Panel(
                "Connections open",
                "In all: what PostgreSQL's max_connections has to hold, besides relays and bells.",
                [Query(f"sum by (service) ({of('mandat_pool_connections')})")], stacked=True,
            ),
            Panel(
                "Database silent for",
                "0. Else it does not answer this process, and figures of tables stand still.",
                [Query(worst("mandat_database_silent_seconds", "service, instance"), PROCESS)], "s",
                alerts=["MandatDatabaseSilent", "MandatDatabaseSilentHere"], limits=(5, 30),
            ),
            Panel(
                "Own clock less the database's",
                "Milliseconds. Tokens are taken up to 5 s early or late.",
                [Query(f"max by (service, instance) (abs({of('mandat_clock_skew_seconds')}))", PROCESS)], "s",
                alerts=["MandatClockSkewed"], limits=(1, 5),
            ),
            Panel(
                "Process waits for its schema since",
                "0. Else the migration of this release has not run.",
                [Query(worst("mandat_schema_waiting_seconds", "service, instance"), PROCESS)], "s",
                alerts=["MandatSchemaWaits"],
            ),
        ]),
        Row("Processes", [
            Panel(
                "Event loop late by",
                "Below 50 ms. More for minutes: something blocks it, or the node's cores are used up.",
                [Query(f"max by (service, instance) (max_over_time({of('mandat_loop_lag_seconds')}[1m]))", PROCESS)],
                "s", alerts=["MandatLoopLate"], limits=(0.05, 0.2),
            ),
            Panel(
                "Cores used",
                "Below 0.7 of one: a process has one event loop. Passwords are hashed beside it.",
                [Query(f"sum by (service, instance) (rate({of('process_cpu_seconds_total')}[$__rate_interval]))",
                       PROCESS)],
                "none", alerts=["MandatLoopLate"], limits=(0.7, 1),
            ),
            Panel(
                "Memory",
                "Some 120 to 250 MB, level after the first hour; more in a worker during an import.",
                [Query(f"max by (service, instance) ({of('process_resident_memory_bytes')})", PROCESS)], "bytes",
                alerts=["MandatPodRestarts"],
            ),
            Panel(
                "File descriptors open",
                "Level, as connections are.",
                [Query(f"max by (service, instance) ({of('process_open_fds')})", PROCESS)],
            ),
            Panel(
                "Running since",
                "Since the last release. Short lives again and again are restarts.",
                [Query(f"time() - max by (service, instance) ({of('process_start_time_seconds')})", PROCESS)], "s",
                alerts=["MandatPodRestarts"],
            ),
        ]),
        Row("Work that nobody asks for", [
            Panel(
                "A chore has failed since",
                "0. Else the database is away, or one statement always fails.",
                [Query(worst("mandat_chore_waiting_seconds", "service, chore"), "{{service}} {{chore}}")], "s",
                alerts=["MandatChoreWaits"], limits=(10, 120),
            ),
            Panel(
                "Passed over, in an hour",
                "0. One thing among several fails by itself each time.",
                [Query(rose("mandat_chore_passed_over_total", "service, step"), "{{service}} {{step}}")],
                alerts=["MandatChorePassesOver"], limits=(1,),
            ),
            Panel(
                "Rows pruned a second",
                "A burst each hour.",
                [Query(rate("mandat_pruned_rows_total", "service, table"), "{{service}} {{table}}")], "ops",
            ),
        ]),
    ],
)  # fmt: skip
