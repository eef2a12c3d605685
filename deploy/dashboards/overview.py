"""The one to open first: are promises kept, and is anything standing."""

from deploy.dashboards.grafana import Dashboard, Panel, Query, Row
from deploy.dashboards.promql import of, quantile, rate, share, total, worst

FAILED = 'status="5xx"'

# As docs/operations/slo.md promises; tests/deploy/test_dashboards.py compares them with the rules.
OBJECTIVES = {"codes": 0.99, "checks": 0.995, "revocations": 0.99, "gateways": 0.999}
ALERTS = {
    "codes": "MandatCodesLate", "checks": "MandatChecksSlow",
    "revocations": "MandatRevocationsLate", "gateways": "MandatGatewayFails",
}  # fmt: skip
TITLES = {
    "codes": "Codes within 10 s", "checks": "Checks within 50 ms",
    "revocations": "Revocations within 1 s", "gateways": "Requests not failed by us",
}  # fmt: skip


def _recorded(name: str, slo: str) -> str:
    return f'mandat:{name}{{namespace=~"$namespace",slo="{slo}"}}'


def _share(slo: str, window: str) -> str:
    bad, events = _recorded("slo_bad:rate5m", slo), _recorded("slo_events:rate5m", slo)
    return f"sum(avg_over_time({bad}[{window}])) / sum(avg_over_time({events}[{window}]))"


def _kept(slo: str, objective: float) -> Panel:
    return Panel(
        f"{TITLES[slo]}, 30 days",
        f"The share of the last 30 days for which the promise was kept; {objective:.1%} are promised. Empty: nothing"
        " happened, or the recording rules are not loaded. The whole namespace, whatever service is chosen.",
        [Query(f"1 - {_share(slo, '30d')}", TITLES[slo])],
        "percentunit", "stat", [ALERTS[slo]], (objective, objective + (1 - objective) / 2), more_is_good=True, width=6,
        height=5,
    )  # fmt: skip


BOARD = Dashboard(
    "overview",
    "Overview",
    "Whether the promises are kept, and whether anything stands.",
    [
        Row("What is promised", [
            *(_kept(slo, objective) for slo, objective in OBJECTIVES.items()),
            Panel(
                "Error budget left, 30 days",
                "1: nothing of the month's budget is spent; 0: all of it; below: the promise of 30 days is broken. It"
                " goes down in steps after incidents and comes back as they grow older than 30 days.",
                [Query(f"1 - {_share(slo, '30d')} / {1 - promised:.4g}", slo) for slo, promised in OBJECTIVES.items()],
                "percentunit", limits=(0, 0.25), more_is_good=True, least=None, width=12,
            ),
            Panel(
                "Burn rate, 1 hour",
                "How many times faster than it comes back the budget is spent. Below 1 it lasts; at 14.4 two days"
                " spend a month's: that pages. Quiet nights make single failures look large.",
                [Query(f"{_share(slo, '1h')} / {1 - objective:.4g}", slo) for slo, objective in OBJECTIVES.items()],
                "none", alerts=list(ALERTS.values()), limits=(1, 14.4), width=12,
            ),
        ]),
        Row("Now", [
            Panel(
                "Alerts that fire",
                "None is normal. Each name has a page in docs/runbooks/.",
                [Query('ALERTS{alertname=~"Mandat.*",alertstate="firing",namespace=~"$namespace"}')],
                kind="table", width=12, height=7,
            ),
            Panel(
                "Processes, by role and release",
                "As many as the chart asks for. Two releases of a service at once are an upgrade under way, or one that"
                " stands.",
                [Query(f"count by (service, role, version) ({of('mandat_process_info')})",
                       "{{service}} {{role}} {{version}}")],
                "none", alerts=["MandatGatewayAbsent", "MandatWorkerAbsent", "MandatVersionsDiffer"], width=12,
                height=7,
            ),
            Panel(
                "Requests a second",
                "Follows the day: offices open, and evenings. A drop to nothing is a way in that is closed.",
                [Query(rate("mandat_requests_total"))], "reqps", alerts=["MandatGatewayAbsent"], stacked=True,
            ),
            Panel(
                "Answered 5xx",
                "0 is normal. A moment of 503 follows a database that restarts.",
                [Query(share(*(rate("mandat_request_seconds_count", only=only) for only in (FAILED, ""))))],
                "percentunit", alerts=["MandatGatewayFails", "MandatRouteFails"], limits=(0.001, 0.0144),
            ),
            Panel(
                "99 of 100 requests are answered within",
                "Tens of milliseconds. Long polls (claims?wait=) take their caller's seconds, and sign-ins as long as a"
                " password's hash.",
                [Query(quantile(0.99, "mandat_request_seconds"))], "s", alerts=["MandatGatewaySlow"],
            ),
            Panel(
                "Oldest change not yet told",
                "Below a second. While it rises nobody else learns of changes: neither mails nor revocations go out.",
                [Query(worst("mandat_outbox_age_seconds"))], "s", alerts=["MandatOutboxOld"], limits=(5, 30),
            ),
            Panel(
                "Messages that wait in Kafka",
                "Below some hundreds, and falling; thousands for minutes during an import or a campaign.",
                [Query(total("mandat_consumer_lag"))], alerts=["MandatConsumerLag"], limits=(500, 1000),
            ),
            Panel(
                "Dead letters",
                "None. Each is an effect that has not happened: settle it (docs/operations/redrive.md).",
                [Query(f"sum by (service) (max by (service, consumer) ({of('mandat_dead_letters')})) or vector(0)")],
                alerts=["MandatLettersParked", "MandatLettersOld", "MandatLettersGrow"], limits=(1, 10),
            ),
            Panel(
                "Oldest mail that is due",
                "Urgent: below a second. Bulk waits for the others, minutes in a campaign.",
                [Query('max by (priority) (mandat_mails_oldest_due_seconds{namespace=~"$namespace"})',
                       "{{priority}}")],
                "s", alerts=["MandatMailsOverdue", "MandatMailHostUnavailable"], limits=(10, 60),
            ),
            Panel(
                "Database silent for",
                "0. Else this service's database does not answer, and its other figures stand still.",
                [Query(worst("mandat_database_silent_seconds"))], "s",
                alerts=["MandatDatabaseSilent", "MandatDatabaseSilentHere"], limits=(5, 30),
            ),
            Panel(
                "Something waits for agents since",
                "Days, as the agency works; more than its own promise to the public means that nobody decides.",
                [Query('max by (kind) (mandat_undecided_oldest_seconds{namespace=~"$namespace",decider="agents",'
                       'state="submitted"})', "{{kind}}")],
                "s", alerts=["MandatUndecidedOld"],
            ),
        ]),
    ],
)  # fmt: skip
