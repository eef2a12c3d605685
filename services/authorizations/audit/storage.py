"""Entries of the audit as an organization's responsible persons read them."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from chassis.pages import Listing

# Newest first, by the index on (organization_id, (-id)). A contact's entries are those about it and those through it.
LIST = """
select -a.id as place, a.id, a.at, a.actor_kind, a.actor_id, a.profile_id, a.action, a.object_id, a.detail,
    a.data_version, a.rule
from audit a
where a.organization_id = $1
    and ($2::uuid is null or a.object_id = $2 or a.profile_id = $2
        or $2::text in (a.detail->>'holder', a.detail->'ids'->>'contact_id'))
    and ($3::uuid is null or a.object_id = $3)
    and ($4::text is null or a.action = $4)
    and ($5::text is null or a.actor_kind = $5)
    and ($6::timestamptz is null or a.at >= $6)
    and ($7::timestamptz is null or a.at < $7)
"""


@dataclass(frozen=True)
class Wanted:
    """Which entries of an organization's audit; None: whatever it is. `until` is excluded."""

    contact_id: UUID | None = None
    object_id: UUID | None = None
    action: str | None = None
    actor_kind: str | None = None
    since: datetime | None = None
    until: datetime | None = None


def listed(organization_id: UUID, wanted: Wanted) -> Listing:
    """The entries of an organization, newest first."""
    return Listing(LIST, [organization_id, *vars(wanted).values()], (("place", "bigint"),))
