"""What authorizations counts, each with what it tells. No label names a person, an organization or a file."""

from prometheus_client import Counter, Histogram

CHECK_SECONDS = Histogram(
    "mandat_access_check_seconds",
    "From one access check's arrival to its yes or no; without what the caller asked to wait for (context.after)",
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1, 5),
)
HELD_BACK = Counter(
    "mandat_mails_held_back",
    "Mails that were not sent one by one, because a mailbox had had enough of what strangers or managers cause",
    ["budget"],
)
IMPORT_FAILURES = Counter(
    "mandat_import_failures", "Portions of an import that failed for a reason of their own and are tried again"
)
