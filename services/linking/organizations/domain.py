"""An organization, as far as linking needs it."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True)
class Organization:
    """An organization as its contacts know it."""

    organization_id: UUID
    number: str
    name: str
    active: bool
