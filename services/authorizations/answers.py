"""How answers over HTTP name an organization, and a last day."""

from datetime import date
from uuid import UUID

from pydantic import BaseModel

from services.authorizations.periods import FOREVER, Period


class OrganizationView(BaseModel):
    """An organization as lists name it."""

    organization_id: UUID
    name: str


def last_day(found: Period) -> date:
    """The last day as forms show it."""
    return found.ends_on or FOREVER
