"""POST /v1/doors/{code}/sessions: for people whom a door's issuer signs in."""

from typing import Annotated

from fastapi import Path, Request
from pydantic import Field

from chassis.fields import Body, Reference
from chassis.gateway import router
from services.accounts.doors import domain, handlers, issuers
from services.accounts.sessions.api import Tokens
from services.accounts.tools import AccountsCall, client_of, host_of

routes = router()

LONGEST_TOKEN = 8192
"""Characters; an ID token holds some ten claims and a signature."""


class IdTokenBody(Body):
    """`id_token` is what the door's issuer gave the portal for our audience; it works once, within five minutes.

    `terms_version`, needed the first time, is the one that was shown, from GET /v1/terms.
    """

    id_token: Annotated[str, Field(min_length=1, max_length=LONGEST_TOKEN, repr=False)]
    terms_version: Reference | None = None


@routes.post("/v1/doors/{code}/sessions", summary="Exchange a door's ID token for a session", tags=["sessions"])
async def exchange(
    call: AccountsCall, request: Request, code: Annotated[str, Path(max_length=64)], body: IdTokenBody
) -> Tokens:
    """The first time the account opens, with the names and the verified address of the token.

    Problems: not_found (404; no such door, or one without an issuer), sign_in_refused (401; whatever is wrong with the
    token or the account), terms_not_current (422), address_of_another_account (409), too_many_attempts (429).
    """
    door = await call.run(handlers.admit, handlers.Attempt(code, host_of(request)))
    assert door.issuer is not None
    claims = await call.tools.issuers.claims(door.issuer, body.id_token)
    language = call.tools.agency.profile.default_language
    identity = domain.identity(claims, issuers.digest(body.id_token), language) if claims else None
    return Tokens.of(
        await call.run(handlers.sign_in, handlers.SignIn(door, identity, body.terms_version, client_of(request)))
    )
