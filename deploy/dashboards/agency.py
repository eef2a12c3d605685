"""What people and agents do, and what waits for them."""

from deploy.dashboards.grafana import Dashboard, Panel, Query, Row
from deploy.dashboards.promql import most, rate, rose, worst

BOARD = Dashboard(
    "agency",
    "The agency's work",
    "Queues of requests and mandates, decisions, claims, imports, accounts, the audit. Choose all services.",
    [
        Row("What waits for a decision", [
            Panel(
                "Waiting for agents",
                "As the agency works. A review by reason of a bounce is half of a credential that came back.",
                [Query(worst("mandat_undecided", "kind, reason", 'decider="agents",state="submitted"'),
                       "{{kind}} {{reason}}")],
                stacked=True, alerts=["MandatUndecidedOld", "MandatHalvesBounced"],
            ),
            Panel(
                "The oldest of them since",
                "Days. Compare with what the agency promises the public.",
                [Query(worst("mandat_undecided_oldest_seconds", "kind, reason", 'decider="agents",state="submitted"'),
                       "{{kind}} {{reason}}")],
                "s", alerts=["MandatUndecidedOld", "MandatHalvesBounced"],
            ),
            Panel(
                "Waiting for others",
                "For signatures, an organization's own managers, a correction. Each has a last day, and lapses.",
                [Query(worst("mandat_undecided", "kind, state, decider", 'state!="submitted"'), "{{kind}} {{state}}"),
                 Query(worst("mandat_undecided", "kind", 'decider="organization",state="submitted"'),
                       "{{kind}} for managers")],
                stacked=True,
            ),
            Panel(
                "Ended, in an hour",
                "approve, reject, merge by people; lapse by the calendar; withdraw by whoever asked.",
                [Query(rose("mandat_decisions_total", "kind, end"), "{{kind}} {{end}}")],
            ),
            Panel(
                "Approved by the machine, in an hour",
                "Nothing where the agency's data let no machine approve. The other line: what it left to agents.",
                [Query(rose("mandat_decisions_total", "kind", 'end="approve",actor="service"'), "{{kind}} approved"),
                 Query(rose("mandat_mandates_left_to_agents_total", "doubt"), "left: {{doubt}}")],
            ),
            Panel(
                "Claims before their account",
                "0: a claim came before the account's state, and waits for it.",
                [Query(worst("mandat_claims_waiting"), "waiting"),
                 Query(worst("mandat_claims_oldest_seconds"), "seconds since the first")],
                alerts=["MandatConsumerLag"],
            ),
        ]),
        Row("Imports", [
            Panel(
                "Imports under way",
                "0 but when the agency sends an extract.",
                [Query(worst("mandat_imports", "state"), "{{state}}")], "none",
            ),
            Panel(
                "Portions left",
                "Falls while one is carried out; level, with the outbox deep, means that it waits for room.",
                [Query(worst("mandat_import_portions_left"), "portions")], alerts=["MandatImportFails"],
            ),
            Panel(
                "Rows a second",
                "Thousands. rejected ones are in the import's list of defects.",
                [Query(rate("mandat_import_rows_total", "verdict"), "{{verdict}}")], "ops", stacked=True,
            ),
            Panel(
                "Portions that failed, in an hour",
                "0. It is tried again every minute and keeps its place.",
                [Query(rose("mandat_import_failures_total"))], alerts=["MandatImportFails"], limits=(1,),
            ),
        ]),
        Row("Accounts and links", [
            Panel(
                "Accounts, in an hour",
                "Mails asked for by registering, and codes that opened an account.",
                [Query(rose("mandat_accounts_registrations_total", "outcome"), "registered: {{outcome}}"),
                 Query(rose("mandat_accounts_verifications_total", "outcome"), "code: {{outcome}}")],
            ),
            Panel(
                "Sign-ins, in an hour",
                "Mostly opened. refused beyond opened is somebody who guesses.",
                [Query(rose("mandat_accounts_sign_ins_total", "outcome"), "{{outcome}}")],
                alerts=["MandatAttemptsSlowed"],
            ),
            Panel(
                "Sessions renewed, in an hour",
                "rotated. reused ended a session: a refresh token was used twice.",
                [Query(rose("mandat_accounts_refreshes_total", "outcome"), "{{outcome}}")],
            ),
            Panel(
                "Signs of misuse, in an hour",
                "Few; agents look at each. Accounts deactivated are beside them.",
                [Query(rose("mandat_accounts_suspicions_total", "signal"), "{{signal}}"),
                 Query(rose("mandat_accounts_deactivations_total", "because"), "deactivated: {{because}}")],
            ),
            Panel(
                "Organization codes locked, in an hour",
                "0 or 1. One after another: somebody tries codes.",
                [Query(rose("mandat_organization_codes_locked_total"))], alerts=["MandatOrganizationCodesLocked"],
                limits=(1, 5),
            ),
        ]),
        Row("The audit", [
            Panel(
                "Oldest entry not yet sealed",
                "A second or two: until then a change of it leaves no trace.",
                [Query(worst("mandat_audit_unsealed_seconds"))], "s", alerts=["MandatAuditUnsealed"], limits=(10, 120),
            ),
            Panel(
                "Entries sealed a second",
                "Follows what is done; thousands in an import.",
                [Query(rate("mandat_audit_sealed_total"))], "ops",
            ),
            Panel(
                "Most frequent acts, in an hour",
                "As the audit names them. refused: what somebody was not allowed.",
                [Query(most(15, rose("mandat_acts_total", "action")), "{{action}}")],
            ),
        ]),
    ],
    refresh="1m",
    span="now-24h",
)  # fmt: skip
