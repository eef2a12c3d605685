"""/v1/first-sign-ins."""

from typing import Annotated

from fastapi import Request
from pydantic import Field

from chassis.fields import Body, Reference, Secret, line
from chassis.gateway import router
from chassis.problems import ProblemRaised
from services.accounts import passwords
from services.accounts.credentials import first_sign_ins
from services.accounts.sessions.api import Tokens, compare
from services.accounts.tools import AccountsCall

routes = router()


class FirstSignInBody(Body):
    """User name and temporary password, each from a mail to somebody else; the password that is to be.

    `terms_version` is the one that was shown, from GET /v1/terms.
    """

    login: Annotated[str, line(254), Field(repr=False, examples=["x1234567890"])]
    password: Secret
    new_password: Secret
    terms_version: Reference


@routes.post("/v1/first-sign-ins", summary="Choose the first password", tags=["sessions"], status_code=201)
async def first_sign_in(call: AccountsCall, request: Request, body: FirstSignInBody) -> Tokens:
    """Uses the temporary password up, keeps the new one, accepts the terms of use, and opens a session.

    Whatever is refused uses nothing up. Problems: password_refused, terms_not_current (422), sign_in_refused (401; the
    same whether the login or the password is wrong, or none that works once), temporary_password_expired (403),
    too_many_attempts (429).
    """
    new_password = passwords.normalized(body.new_password)
    if refusal := passwords.refusal(call.tools.agency, new_password):
        raise ProblemRaised(refusal)
    sign_in = await compare(call, request, body.login, body.password)
    password_hash = await call.tools.hasher.hash(new_password) if sign_in.password_is_right else ""
    command = first_sign_ins.FirstSignIn(
        sign_in,
        new_password,
        password_hash,
        first_sign_ins.is_same(new_password, body.password),
        body.terms_version,
    )
    return Tokens.of(await call.run(first_sign_ins.first_sign_in, command, opens=True))
