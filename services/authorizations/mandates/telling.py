"""What both sides of a mandate are told: that agents have it, how it ended, that a signature is missing."""

from chassis.work import Work
from services.authorizations.mandates.domain import Mandate
from services.authorizations.requests.domain import Request, Told
from services.authorizations.tools import Tools


async def tell_received(work: Work[Tools], request: Request, mandate: Mandate) -> None:
    """Both sides: nothing is missing, and agents have it."""
    del work, request, mandate


async def tell(work: Work[Tools], request: Request, outcome: Told, reason: str | None) -> None:
    """Both sides: how it ended, or that it came back."""
    del work, request, outcome, reason


async def remind(work: Work[Tools], request: Request, days: int) -> None:
    """Whoever has not signed yet, so many days before the last one to sign."""
    del work, request, days
