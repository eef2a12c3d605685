"""What whoever gave an address is told, and when they are asked for another. Nothing here knows a database."""

from collections.abc import Iterable
from datetime import date, timedelta

from chassis.outcomes import Refusal
from contracts.agency.mandates import MandateSide
from services.authorizations.mandates.domain import Mandate
from services.authorizations.requests.domain import Request

PATIENCE = timedelta(hours=1)
"""Whoever is on the page when an address is refused gives another one there: nobody writes to them before."""


def refuse_to_take(request: Request, mandate: Mandate, side: MandateSide, today: date) -> Refusal | None:
    """An address is taken while the mandate waits for it, and not in the place of one that is good."""
    if request.state_on(today) != "signing" or mandate.sides[side].address_state == "verified":
        return Refusal("address_not_asked")
    return None


def refuse_to_ask(request: Request, mandate: Mandate, side: MandateSide, today: date) -> Refusal | None:
    """An agent asks for another address in the place of one that stands there, before anything is decided."""
    if request.state_on(today) not in ("signing", "submitted") or mandate.sides[side].address_state != "verified":
        return Refusal("address_not_there")
    return None


def asked_again_on(reminders: Iterable[int], last_day: date, today: date) -> date | None:
    """The next day on which the side is asked again: so many days before the last one, as for a signature."""
    return min((day for n in reminders if (day := last_day - timedelta(days=n)) > today), default=None)
