"""What a replacement withdraws, and until when it may: plain data and rules."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from services.authorizations.relations.domain import Relation


@dataclass(frozen=True)
class GrantedRight:
    """A right that somebody granted on a relation that goes on."""

    right_id: UUID
    relation_id: UUID
    subject: str
    holder_id: UUID


@dataclass(frozen=True)
class Withdrawn:
    """All that a replacement takes back: relations with whatever hangs on them, rights of others, blocks.

    `released` are the memberships of whoever is replaced.
    """

    released: Sequence[Relation]
    relations: Sequence[Relation]
    rights: Sequence[GrantedRight]
    blocks: Sequence[UUID]


def contestable_until(managing_since: datetime, days: int) -> datetime:
    """The last instant at which somebody who manages since then can be replaced with all that they granted."""
    return managing_since + timedelta(days=days)
