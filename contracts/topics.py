"""The topics of the platform. Partition counts are fixed here and never changed in place: keys would move."""

from dataclasses import dataclass
from enum import StrEnum

PARTITIONS = 12
HOUR_MS = 60 * 60 * 1000
DAY_MS = 24 * HOUR_MS
COMPACTION_LAG_MS = 2 * HOUR_MS
"""Milliseconds in which compaction leaves a state alone: longer than until it is sent again (chassis/states.py), so
that a stale record behind a newer one never replaces it before its echo does."""


class Kind(StrEnum):
    """What a topic may hold, and who may read it."""

    PUBLIC = "public"  # ids, codes and dates; other systems of the agency may subscribe
    CONFIDENTIAL = "confidential"  # personal data or sealed secrets; only the platform's own services
    STATE = "confidential state"  # the whole latest state per key, compacted; only the platform's own services


@dataclass(frozen=True)
class Topic:
    """One topic: its name, what its key is, what kind of content it holds and for how long."""

    name: str
    key: str
    kind: Kind
    retention_ms: int = 7 * DAY_MS
    partitions: int = PARTITIONS

    @property
    def service(self) -> str:
        """The one service that publishes here, or for mail requests the one that reads here."""
        return self.name.split(".", 1)[0]

    @property
    def configuration(self) -> dict[str, str]:
        """Kafka's own settings of the topic."""
        if self.kind is Kind.STATE:
            return {
                "cleanup.policy": "compact",
                "delete.retention.ms": str(7 * DAY_MS),  # how long a reader that was away still finds a tombstone
                "min.compaction.lag.ms": str(COMPACTION_LAG_MS),
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
)
