"""The topics of the platform. Partition counts are fixed here and never changed in place: keys would move."""

from dataclasses import dataclass
from enum import StrEnum

PARTITIONS = 12
HOUR_MS = 60 * 60 * 1000
DAY_MS = 24 * HOUR_MS
COMPACTION_LAG_MS = 2 * HOUR_MS
"""Milliseconds in which compaction leaves a state alone: longer than until it is sent again (chassis/states.py), so
that a stale record behind a newer one never replaces it before its echo does."""

HEADS_KEPT_MS = 30 * DAY_MS
"""Milliseconds for which every head of an audit's chain stays, not only its last: a chain that is cut off and goes on
is found by the older ones."""


class Kind(StrEnum):
    """What a topic may hold, and who may read it."""

    PUBLIC = "public"  # ids, codes and dates; other systems of the agency may subscribe
    CONFIDENTIAL = "confidential"  # personal data or sealed secrets; only the platform's own services
    STATE = "confidential state"  # the whole latest state per key, compacted; only the platform's own services
    PUBLIC_STATE = "public state"  # the same of ids, codes and dates; whoever wants to hold it may subscribe


@dataclass(frozen=True)
class Topic:
    """One topic: its name, what its key is, what kind of content it holds and for how long."""

    name: str
    key: str
    kind: Kind
    retention_ms: int = 7 * DAY_MS
    partitions: int = PARTITIONS
    compaction_lag_ms: int = COMPACTION_LAG_MS

    @property
    def service(self) -> str:
        """The one service that publishes here, or for mail requests the one that reads here."""
        return self.name.split(".", 1)[0]

    @property
    def compacted(self) -> bool:
        """Whether it holds states, of which the last of each key stays for ever."""
        return self.kind in (Kind.STATE, Kind.PUBLIC_STATE)

    @property
    def configuration(self) -> dict[str, str]:
        """Kafka's own settings of the topic."""
        if self.compacted:
            return {
                "cleanup.policy": "compact",
                "delete.retention.ms": str(7 * DAY_MS),  # how long a reader that was away still finds a tombstone
                "min.compaction.lag.ms": str(self.compaction_lag_ms),
            }
        return {"cleanup.policy": "delete", "retention.ms": str(self.retention_ms)}


ACCOUNTS_EVENTS = Topic("accounts.events", "account_id", Kind.PUBLIC)
ACCOUNTS_PEOPLE = Topic("accounts.people", "account_id", Kind.STATE)
LINKING_EVENTS = Topic("linking.events", "contact_id", Kind.PUBLIC)
LINKING_CLAIMS = Topic("linking.claims", "organization_id", Kind.PUBLIC)
AUTHORIZATIONS_EVENTS = Topic("authorizations.events", "organization_id", Kind.PUBLIC)
AUTHORIZATIONS_ORGANIZATIONS = Topic("authorizations.organizations", "organization_id", Kind.STATE)
AUTHORIZATIONS_CONTACTS = Topic("authorizations.contacts", "contact_id", Kind.STATE)
NOTIFICATIONS_REQUESTS = Topic("notifications.requests", "recipient_id", Kind.CONFIDENTIAL)
NOTIFICATIONS_BULK = Topic("notifications.bulk", "recipient_id", Kind.CONFIDENTIAL)
NOTIFICATIONS_EVENTS = Topic("notifications.events", "delivery_id", Kind.PUBLIC)

ACCOUNTS_AUDIT, LINKING_AUDIT, AUTHORIZATIONS_AUDIT, NOTIFICATIONS_AUDIT = (
    Topic(f"{service}.audit", "chain_id", Kind.PUBLIC_STATE, compaction_lag_ms=HEADS_KEPT_MS)
    for service in ("accounts", "linking", "authorizations", "notifications")
)

TOPICS = (
    ACCOUNTS_EVENTS,
    ACCOUNTS_PEOPLE,
    LINKING_EVENTS,
    LINKING_CLAIMS,
    AUTHORIZATIONS_EVENTS,
    AUTHORIZATIONS_ORGANIZATIONS,
    AUTHORIZATIONS_CONTACTS,
    NOTIFICATIONS_REQUESTS,
    NOTIFICATIONS_BULK,
    NOTIFICATIONS_EVENTS,
    ACCOUNTS_AUDIT,
    LINKING_AUDIT,
    AUTHORIZATIONS_AUDIT,
    NOTIFICATIONS_AUDIT,
)
