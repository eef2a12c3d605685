"""/v1/sessions: signing in, refreshing, seeing one's sessions, signing out."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Request
from pydantic import BaseModel, Field

from chassis.fields import Body, Secret, line
from chassis.gateway import PersonCaller, router
from services.accounts import codes, passwords
from services.accounts.sessions import handlers
from services.accounts.tokens import signing
from services.accounts.tools import AccountsCall, client_of

routes = router()


class Credentials(Body):
    """`login` is the e-mail address, in any case; for who was given a user name, that and never the address."""

    login: Annotated[str, line(254), Field(repr=False, examples=["responsable@laforce.example"])]
    password: Secret


class RefreshBody(Body):
    """The refresh token of the last answer."""

    refresh_token: Secret


class Tokens(BaseModel):
    """A pair of tokens. The refresh token works once: keep the new one of each answer."""

    account_id: UUID
    access_token: str = Field(repr=False)
    refresh_token: str = Field(repr=False)
    expires_in: int = Field(description="Seconds until the access token ends.", examples=[300])
    terms_current: bool = Field(
        description="False: the terms of use have changed. Until they are accepted, this service alone takes the"
        " access token; accept them, then refresh."
    )

    @classmethod
    def of(cls, tokens: handlers.Tokens) -> "Tokens":
        """As the person's client receives them."""
        return cls(
            account_id=tokens.account_id,
            access_token=tokens.access_token,
            refresh_token=tokens.refresh_token,
            expires_in=int(signing.LIFE.total_seconds()),
            terms_current=tokens.terms_current,
        )


class OwnSession(BaseModel):
    """One session of the caller's; `current` is the one that asks."""

    session_id: UUID
    opened_at: datetime
    last_used_at: datetime
    expires_at: datetime
    current: bool


class OwnSessions(BaseModel):
    """The newest first."""

    items: list[OwnSession]
    total: int


@routes.post("/v1/sessions", summary="Sign in", tags=["sessions"])
async def sign_in(call: AccountsCall, request: Request, body: Credentials) -> Tokens:
    """Problems: sign_in_refused (401; the same whether the login or the password is wrong), password_to_change (403; a
    temporary password: POST /v1/first-sign-ins), temporary_password_expired (403), too_many_attempts (429).
    """
    return Tokens.of(await call.run(handlers.sign_in, await compare(call, request, body.login, body.password)))


async def compare(call: AccountsCall, request: Request, login: str, password: str) -> handlers.SignIn:
    """Compare what somebody signs in with, counted beforehand. Raises ProblemRaised: too_many_attempts."""
    attempt = handlers.Attempt(login, client_of(request))
    candidate = await call.run(handlers.count_attempt, attempt)
    is_temporary = candidate.temporary_until is not None
    typed = codes.temporary_as_typed(password) if is_temporary else passwords.normalized(password)
    right = await call.tools.hasher.verify(candidate.password_hash, typed)
    return handlers.SignIn(attempt, candidate, right)


@routes.post("/v1/sessions/refresh", summary="Exchange a refresh token for the next pair", tags=["sessions"])
async def refresh(call: AccountsCall, request: Request, body: RefreshBody) -> Tokens:
    """A retry within 10 seconds gets the same refresh token again; any later use of a used one ends the session.

    Problems: session_ended (401).
    """
    return Tokens.of(await call.run(handlers.refresh, handlers.Refresh(body.refresh_token, client_of(request))))


@routes.get("/v1/sessions", summary="One's own sessions", tags=["sessions"])
async def list_sessions(call: AccountsCall, caller: PersonCaller) -> OwnSessions:
    """Those that have not ended."""
    found = await call.run(handlers.list_sessions, caller.account_id)
    return OwnSessions(
        items=[
            OwnSession(
                session_id=session.session_id,
                opened_at=session.opened_at,
                last_used_at=session.last_used_at,
                expires_at=session.expires_at,
                current=session.session_id == caller.session_id,
            )
            for session in found
        ],
        total=len(found),
    )


@routes.delete("/v1/sessions", summary="Sign out everywhere", tags=["sessions"], status_code=204)
async def sign_out_everywhere(call: AccountsCall, caller: PersonCaller) -> None:
    """Ends every session of the caller's, this one included."""
    await call.run(handlers.sign_out_everywhere, caller.account_id)


@routes.delete("/v1/sessions/{session_id}", summary="Sign out", tags=["sessions"], status_code=204)
async def sign_out(call: AccountsCall, caller: PersonCaller, session_id: UUID) -> None:
    """Ends one of the caller's own sessions, here at once and in the other services within a moment.

    Problems: not_found (404; also somebody else's).
    """
    await call.run(handlers.sign_out, handlers.SignOut(caller.account_id, session_id))
