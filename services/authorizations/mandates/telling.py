"""What both sides of a mandate are told: that agents have it, how it ended, that a signature is missing."""

from chassis.work import Work
from services.authorizations.mandates import mails, storage
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
    """Whoever has not signed yet, so many days before the last one to sign; the professional, whoever it is."""
    mandate = await storage.get(work.connection, request.request_id)
    if mandate is None or request.state != "signing":
        return
    if mandate.has_signed("professional") and not mandate.has_signed("delegate"):
        await mails.ask_delegate(work, request, mandate, days)
    await mails.remind_professional(work, request, mandate, days)
