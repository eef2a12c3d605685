"""Requests: how many, how many in vain, how long; and whom limits and tokens keep out."""

from deploy.dashboards.grafana import Dashboard, Panel, Query, Row
from deploy.dashboards.promql import most, of, quantile, rate, rose, within

CHECKS = 'route="/access/v1/evaluation"'

BOARD = Dashboard(
    "gateways",
    "Gateways",
    "Requests of portals, agents and other systems: rate, errors, duration; access checks; limits and tokens.",
    [
        Row("Rate, errors, duration", [
            Panel(
                "Requests a second, by class of answer",
                "Mostly 2xx. 4xx are callers' own: a rise after a release of a portal is that portal's. 5xx are ours.",
                [Query(rate("mandat_request_seconds_count", "status"), "{{status}}")], "reqps", stacked=True,
                alerts=["MandatGatewayFails"],
            ),
            Panel(
                "Answered 5xx, by route",
                "None. One route alone is a fault of its code; all of a service its database.",
                [Query(most(10, rate("mandat_request_seconds_count", "service, method, route", 'status="5xx"')),
                       "{{method}} {{route}}")],
                "reqps", alerts=["MandatRouteFails", "MandatGatewayFails"],
            ),
            Panel(
                "Time to the whole answer",
                "Half of them in some ms, 99 of 100 in tens of ms.",
                [Query(quantile(share, "mandat_request_seconds"), f"{{{{service}}}} {share:.0%}")
                 for share in (0.5, 0.95, 0.99)],
                "s", alerts=["MandatGatewaySlow"], limits=(1,),
            ),
            Panel(
                "Busiest routes",
                "What portals ask most; a route that leaps ahead is a client that repeats itself.",
                [Query(most(10, rate("mandat_requests_total", "service, method, route")), "{{method}} {{route}}")],
                "reqps",
            ),
            Panel(
                "Slowest routes, 95 of 100 within",
                "Sign-ins take as long as a password's hash (tenths of a second); uploads and long polls take"
                " their callers' time.",
                [Query(most(10, quantile(0.95, "mandat_request_seconds", "service, method, route", 'status!="5xx"')),
                       "{{method}} {{route}}")],
                "s", alerts=["MandatGatewaySlow"],
            ),
            Panel(
                "Exact statuses",
                "401: tokens ran out. 403, 404: no right, or nothing there. 409: not yet applied, or a collision. 412:"
                " an older version was changed. 422: a form. 429: a limit. 503: come again.",
                [Query(rate("mandat_requests_total", "code"), "{{code}}")], "reqps",
            ),
        ]),
        Row("Access checks", [
            Panel(
                "Checks a second",
                "What other systems of the agency ask, about once for each of their pages.",
                [Query(rate("mandat_access_check_seconds_count"))], "reqps",
            ),
            Panel(
                "Answered within 50 ms",
                "Nearly all; 99.5 % are promised. Without what a caller asked to wait for (context.after).",
                [Query(within("0.05", "mandat_access_check_seconds"))], "percentunit", alerts=["MandatChecksSlow"],
                limits=(0.995, 0.999), more_is_good=True, most=1,
            ),
            Panel(
                "Time to yes or no",
                "About 1 ms for half of them, below 10 ms for 99 of 100.",
                [Query(quantile(share, "mandat_access_check_seconds"), f"{share:.0%}") for share in (0.5, 0.95, 0.99)],
                "s", alerts=["MandatChecksSlow"], limits=(0.05,),
            ),
            Panel(
                "Checks that got no answer, by status",
                "None but now and then: 400 and 403 are a system that asks wrongly, 409 one that asked for what is not"
                " applied yet, 5xx ours.",
                [Query(rate("mandat_requests_total", "code", f'{CHECKS},code!="200"'), "{{code}}")], "reqps",
            ),
        ]),
        Row("Kept out", [
            Panel(
                "Refusals, by problem",
                "The ten most frequent codes that callers were answered. Each is explained in the contracts.",
                [Query(most(10, rate("mandat_problems_total", "problem")), "{{problem}}")], "reqps",
            ),
            Panel(
                "Tokens refused, by reason",
                "expired and revoked are ordinary. unverified and unknown_issuer are somebody who tries, or a portal"
                " set up wrongly; keys_unknown is ours: the issuer's keys were not fetched.",
                [Query(rate("mandat_tokens_refused_total", "reason"), "{{reason}}")], "reqps",
                alerts=["MandatIssuerKeysOld"],
            ),
            Panel(
                "Limits reached, in an hour",
                "Some, all day: people mistype. One that rises tenfold is somebody who guesses, or a campaign that was"
                " not announced. The limits are the agency's limits.yaml.",
                [Query(rose("mandat_limits_reached_total", "service, limit"), "{{limit}}")],
            ),
            Panel(
                "Slowed down for everybody, in an hour",
                "None. Budgets of the whole deployment refuse nobody and make all wait: somebody guesses spread out, or"
                " people are simply many.",
                [Query(rose("mandat_attempts_slowed_total", "service, budget"), "{{budget}}")],
                alerts=["MandatAttemptsSlowed"],
            ),
            Panel(
                "Requests to no route",
                "Scanners, always some. They never reach our code.",
                [Query(rate("mandat_requests_total", "service", 'route="none"'))], "reqps",
            ),
            Panel(
                "Age of issuers' keys",
                "Below some minutes. Above, an issuer does not answer; its tokens are verified by the keys we have.",
                [Query(f"max by (source) ({of('mandat_issuer_keys_age_seconds')})", "{{source}}")], "s",
                alerts=["MandatIssuerKeysOld"],
            ),
        ]),
    ],
)  # fmt: skip
