"""What stands in the way of a link: plain data."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from contracts.events import Code
from services.authorizations.requests.domain import Asked

Obstacle = Literal["already_linked", "other_profile_here"]

QUIET = timedelta(days=30)
"""After a decision the same account's attempts at the same contact ask nobody again for so long: the refusal tells the
person whom to ask, and an agent answers once."""

MOST_OPEN = 5
"""Reviews that wait about one contact. Whoever has its spent code can try it from account after account."""


class AskedLink(Asked):
    """That the account becomes the contact, where `obstacle` stands in the way."""

    contact_id: UUID
    account_id: UUID
    obstacle: Obstacle
    method: Code


@dataclass(frozen=True)
class Link:
    """A link in force: which contact of the organization an account is, and since when."""

    link_id: UUID
    contact_id: UUID
    account_id: UUID
    linked_at: datetime
