"""Mails, from when they are asked for to what comes back."""

from deploy.dashboards.grafana import Dashboard, Panel, Query, Row
from deploy.dashboards.promql import most, quantile, rate, rose, share, within, worst

URGENT = 'priority="urgent"'
BOUNCED, SENT = 'outcome="bounced"', 'outcome="sent"'

BOARD = Dashboard(
    "mails",
    "Mails",
    "Whether codes arrive in time, what waits, what the mail host says, what comes back. Choose all services.",
    [
        Row("In time", [
            Panel(
                "Codes within 10 s",
                "Nearly all; 99 % are promised, from when the person asked to the mail host's acceptance. Those that"
                " expired unsent are in the next panel but one.",
                [Query(within("10.0", "mandat_mail_delivery_seconds", "priority", URGENT), "urgent")], "percentunit",
                alerts=["MandatCodesLate"], limits=(0.99, 0.999), more_is_good=True, most=1,
            ),
            Panel(
                "Time to the mail host's acceptance",
                "Urgent: below a second. Normal: seconds. Bulk: as long as a campaign takes.",
                [Query(quantile(share, "mandat_mail_delivery_seconds", "priority"), f"{{{{priority}}}} {share:.0%}")
                 for share in (0.5, 0.99)],
                "s", alerts=["MandatCodesLate", "MandatMailsOverdue"], limits=(10,),
            ),
            Panel(
                "Expired unsent, in an hour",
                "None. A code that lives ten minutes is not sent late; replaced ones are not counted here.",
                [Query(rose("mandat_mails_total", "kind, priority", 'outcome="expired"'), "{{kind}}")],
                alerts=["MandatCodesLate"], limits=(1,),
            ),
            Panel(
                "Slowest kinds, 95 of 100 within",
                "Campaigns first; a kind with a code among them is a fault.",
                [Query(most(10, quantile(0.95, "mandat_mail_delivery_seconds", "kind")), "{{kind}}")], "s",
            ),
        ]),
        Row("States", [
            Panel(
                "Mails a second, by what happened",
                "accepted and sent go together. deferred: a host asked to come later. handed_back: not our turn.",
                [Query(rate("mandat_mails_total", "outcome"), "{{outcome}}")], "ops",
            ),
            Panel(
                "Mails that wait",
                "Tens; thousands of bulk ones in a campaign. deferred ones are tried again within 15 minutes.",
                [Query(worst("mandat_mails_waiting", "priority, state"), "{{priority}} {{state}}")], stacked=True,
                alerts=["MandatMailsOverdue"],
            ),
            Panel(
                "Oldest mail that is due",
                "Urgent: below a second.",
                [Query(worst("mandat_mails_oldest_due_seconds", "priority"), "{{priority}}")], "s",
                alerts=["MandatMailsOverdue"], limits=(10, 60),
            ),
            Panel(
                "Sent, by kind",
                "What people are told; a kind that leaps is a campaign, an import, or somebody who misuses a form.",
                [Query(most(10, rate("mandat_mails_total", "kind", SENT)), "{{kind}}")], "ops", stacked=True,
            ),
        ]),
        Row("The mail host", [
            Panel(
                "Hosts out of reach",
                "0. 1: it cannot be reached, or refuses to work with us; everybody waits when all of them do.",
                [Query(worst("mandat_mail_host_unavailable", "host"), "{{host}}")], "none",
                alerts=["MandatMailHostUnavailable"], limits=(1,),
            ),
            Panel(
                "May arrive twice, in an hour",
                "0. The connection broke after the text had begun.",
                [Query(rose("mandat_mails_maybe_twice_total"))], alerts=["MandatMailsMaybeTwice"], limits=(10,),
            ),
            Panel(
                "A domain's turn was used up, in an hour",
                "0, but for campaigns to one large provider: its own limits, set by you.",
                [Query(rose("mandat_mails_domain_waits_total"))],
            ),
            Panel(
                "Attempts forgotten, in an hour",
                "0: two senders had the same mail, after one was slow for seconds.",
                [Query(rose("mandat_mails_attempts_forgotten_total"))],
            ),
        ]),
        Row("What comes back", [
            Panel(
                "Bounced, of those sent",
                "Below 1 in 100. A rise after an import is addresses that were old at the agency.",
                [Query(share(*(rate("mandat_mails_total", "priority", each) for each in (BOUNCED, SENT))),
                       "{{priority}}")],
                "percentunit", alerts=["MandatMailsBounce"], limits=(0.02, 0.05),
            ),
            Panel(
                "Reports, by what they were, in an hour",
                "failed and delayed follow what is sent. complaint: people take us for spam. forged: somebody tries.",
                [Query(rose("mandat_bounce_reports_total", "finding"), "{{finding}}")], alerts=["MandatMailsBounce"],
            ),
            Panel(
                "Addresses suppressed, in an hour",
                "Few. Many at once is a fault to look at: of the host, or of its reports.",
                [Query(rose("mandat_addresses_suppressed_total", "reason"), "{{reason}}")],
            ),
            Panel(
                "Held back, in an hour",
                "Few: mailboxes that had enough of what strangers or managers cause. Told of together a day later.",
                [Query(rose("mandat_mails_held_back_total", "budget"), "{{budget}}")], alerts=["MandatMailsHeldBack"],
            ),
            Panel(
                "Old mails pruned a second",
                "Follows what was sent three months ago.",
                [Query(rate("mandat_mails_pruned_total"))], "ops",
            ),
        ]),
    ],
)  # fmt: skip
