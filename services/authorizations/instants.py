"""Which instant, and which of the agency's days, a call over HTTP is about."""

from datetime import UTC, date, datetime
from typing import Annotated

from fastapi import Query
from pydantic import AfterValidator, AwareDatetime
from pydantic_core import PydanticCustomError

from chassis.gateway import Call
from services.authorizations.access.domain import Moment
from services.authorizations.tools import Tools

EARLIEST, LATEST = datetime(1900, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)


def _plausible(instant: datetime) -> datetime:
    """Years that every time zone and every database column can hold."""
    if not EARLIEST <= instant <= LATEST:
        raise PydanticCustomError("timezone_aware", "not a plausible instant")
    return instant


PlausibleInstant = Annotated[AwareDatetime, AfterValidator(_plausible)]
At = Annotated[PlausibleInstant | None, Query(description="The instant asked about; now when absent (RFC 3339).")]
RecordedAt = Annotated[
    PlausibleInstant | None, Query(description="By what was known at this instant; by what is known now when absent.")
]


def asked_at(call: Call[Tools], at: datetime | None) -> datetime:
    """The instant asked about."""
    return at or call.gateway.unit.origin.clock()


def today(call: Call[Tools]) -> date:
    """The agency's legal day."""
    moment: Moment = call.tools.moment(call.gateway.unit.origin.clock())
    return moment.day
