"""What authorizations counts, each with what it tells. No label names a person, an organization or a file."""

from prometheus_client import Counter, Gauge, Histogram

CHECK_SECONDS = Histogram(
    "mandat_access_check_seconds",
    "From one access check's arrival to its yes or no; without what the caller asked to wait for (context.after)",
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1, 5),
)
UNDECIDED = Gauge(
    "mandat_undecided",
    "Requests, mandates among them, that wait: for signatures (signing), whoever decides (submitted) or a correction"
    " (returned); half of a credential that came back is a review by reason of a bounce",
    ["kind", "reason", "decider", "state"],
)
UNDECIDED_OLDEST = Gauge(
    "mandat_undecided_oldest_seconds",
    "For how long the one that waits longest has waited, since it was submitted",
    ["kind", "reason", "decider", "state"],
)
DECISIONS = Counter(
    "mandat_decisions",
    "Requests by how they ended (approve, reject, merge, lapse, withdraw) and the kind of actor: a machine's approval"
    " and a lapse are the service's",
    ["kind", "end", "actor"],
)
LEFT_TO_AGENTS = Counter(
    "mandat_mandates_left_to_agents", "Mandates that the machine looked at and did not approve, by its doubt", ["doubt"]
)
HELD_BACK = Counter(
    "mandat_mails_held_back",
    "Mails that were not sent one by one, because a mailbox had had enough of what strangers or managers cause",
    ["budget"],
)
IMPORT_FAILURES = Counter(
    "mandat_import_failures", "Portions of an import that failed for a reason of their own and are tried again"
)
CLAIMS_WAITING = Gauge(
    "mandat_claims_waiting", "Claims of organizations that came before their account's state, and wait for it"
)
CLAIMS_OLDEST = Gauge("mandat_claims_oldest_seconds", "For how long the one of them that came first has waited")
IMPORT_ROWS = Counter(
    "mandat_import_rows", "Rows of extracts carried out, dry runs too, by what became of them", ["verdict"]
)
IMPORTS = Gauge("mandat_imports", "Imports not done: receiving an extract, or waiting for their turn", ["state"])
IMPORT_PORTIONS_LEFT = Gauge(
    "mandat_import_portions_left", "Portions that imports have still to carry out, of some 3,000 rows"
)
