"""/v1/password-resets."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Request
from pydantic import BaseModel, Field

from chassis.fields import Body, Email, Secret
from chassis.gateway import router
from chassis.problems import ProblemRaised
from chassis.slowing import slow_down
from services.accounts import attempts, passwords
from services.accounts.codes import SubmittedCode
from services.accounts.password_resets import handlers
from services.accounts.tools import AccountsCall, host_of

routes = router()


class ResetBody(Body):
    """The address that signs in."""

    email: Annotated[Email, Field(repr=False, examples=["responsable@laforce.example"])]


class AcceptedReset(BaseModel):
    """One mail is on its way. Ask GET /v1/deliveries/{delivery_handle} what became of it."""

    reset_id: UUID
    delivery_handle: str
    expires_at: datetime = Field(description="When a code in the mail stops working.")


class CompletionBody(Body):
    """The one-time code of the mail, and the password that is to be."""

    code: SubmittedCode = Field(repr=False)
    new_password: Secret


@routes.post("/v1/password-resets", summary="Ask for a new password", tags=["passwords"], status_code=202)
async def ask(call: AccountsCall, request: Request, body: ResetBody) -> AcceptedReset:
    """Answers the same for every address; one mail goes to it, with a code or with the news that it has no account.

    To send another, ask again. Slower while the whole deployment is past its budget. Problems: too_many_attempts (429).
    """
    await call.run(handlers.admit, host_of(request))
    await slow_down(call, attempts.everybodys(call.tools, "password_resets_in_all"))
    accepted = await call.run(handlers.ask, handlers.Ask(body.email, call.language, host_of(request)))
    return AcceptedReset(
        reset_id=accepted.reset_id, delivery_handle=accepted.delivery_handle, expires_at=accepted.expires_at
    )


@routes.post(
    "/v1/password-resets/{reset_id}/completion", summary="Choose the password", tags=["passwords"], status_code=204
)
async def complete(call: AccountsCall, request: Request, reset_id: UUID, body: CompletionBody) -> None:
    """Sets the password, ends every session of the account, and tells its owner by mail. Sign in afterwards.

    Problems: password_refused (422), code_refused (422; the same for a wrong, expired or spent code, an unknown reset,
    an address without account), too_many_attempts (429).
    """
    await call.run(handlers.admit, host_of(request))
    await slow_down(call, attempts.everybodys(call.tools, "password_resets_in_all"))
    password = passwords.normalized(body.new_password)
    if refusal := passwords.refusal(call.tools.agency, password):
        raise ProblemRaised(refusal)
    password_hash = await call.tools.hasher.hash(password)
    command = handlers.Complete(reset_id, host_of(request), body.code, password, password_hash)
    await call.run(handlers.complete, command)
