"""What notifications counts, each with what it tells."""

from prometheus_client import Counter, Gauge, Histogram

OUTCOMES = Counter(
    "mandat_mails",
    "Mails by kind and what happened: accepted, sent, deferred, bounced, suppressed, expired, replaced, handed_back",
    ["kind", "priority", "outcome"],
)
MAYBE_TWICE = Counter(
    "mandat_mails_maybe_twice",
    "Transfers that broke after DATA had begun: the mail host may have taken a mail that will be sent again",
)
SUPPRESSED = Counter(
    "mandat_addresses_suppressed",
    "Addresses put on the suppression list, by reason; many at once is a fault to look at",
    ["reason"],
)
REPORTS = Counter(
    "mandat_bounce_reports",
    "Mails that came back, by what they were: failed, complaint; repeated, unknown or nameless (about no mail of ours);"
    " forged (a recipient that we never made, refused); delayed, delivered, auto_reply, feedback, other, unreadable"
    " (taken and ignored)",
    ["finding"],
)
FORGOTTEN = Counter(
    "mandat_mails_attempts_forgotten",
    "Attempts whose outcome came after their lease had passed to another sender, or a report had ended the mail",
)
WAITING = Gauge(
    "mandat_mails_waiting", "Mails that wait, never tried (accepted) or tried in vain (deferred)", ["priority", "state"]
)
OLDEST_DUE = Gauge(
    "mandat_mails_oldest_due_seconds", "For how long the mail that has been due longest has waited", ["priority"]
)
DELIVERY = Histogram(
    "mandat_mail_delivery_seconds",
    "From when a mail was asked for, by whatever service, to the mail host's acceptance; one-time codes are urgent",
    ["kind", "priority"],
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300, 1800, 7200),
)
HOST_UNAVAILABLE = Gauge(
    "mandat_mail_host_unavailable",
    "1 while the mail host cannot be reached or refuses to work with us; everybody waits when all of them do",
    ["host"],
)
DOMAIN_WAITS = Counter(
    "mandat_mails_domain_waits", "Times a mail was handed back because its domain's connections or rate were used up"
)
PRUNED = Counter("mandat_mails_pruned", "Rows deleted of mails that had ended long ago")
