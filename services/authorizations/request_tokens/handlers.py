"""Drawing a token for a mail, and finding the request to which one leads. Looking consumes nothing."""

import secrets
from uuid import UUID

from chassis.database import Connection
from chassis.work import Work
from contracts.agency.mandates import MandateSide
from services.authorizations.request_tokens import storage
from services.authorizations.request_tokens.storage import TokenSide
from services.authorizations.tools import Tools

SIDES: tuple[MandateSide, ...] = ("delegate", "professional")
TOKEN_BYTES = 32  # 256 random bits: nobody guesses one, so tries need no count


def _purpose(side: TokenSide) -> str:
    """What the digest is for: one side's token is nothing as another's."""
    return "invitation" if side == "invited" else f"mandate of a {side}"


async def draw(work: Work[Tools], request_id: UUID, side: TokenSide) -> str:
    """A new token for a mail to a side; the one of an earlier mail leads nowhere from now on.

    A mandate's begins with its id: the page that takes it out of a link has nothing else to say which mandate it is.
    """
    secret = secrets.token_urlsafe(TOKEN_BYTES)
    token = secret if side == "invited" else f"{request_id}.{secret}"
    await storage.replace(work.connection, request_id, side, work.tools.keyring.lookup(_purpose(side), token))
    return token


async def led_side(work: Work[Tools], request_id: UUID, token: str) -> MandateSide | None:
    """As which side of this mandate a token's holder comes; None: the token leads elsewhere, or nowhere."""
    for side in SIDES:
        if await led_to(work.connection, work.tools, side, token) == request_id:
            return side
    return None


async def led_to(connection: Connection, tools: Tools, side: TokenSide, token: str) -> UUID | None:
    """The request to which a token leads as this side; None: it leads nowhere, or no more."""
    return await storage.request_of(connection, side, tools.keyring.lookups(_purpose(side), token))
