"""/v1/account/email-changes and /v1/email-change-undos."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Request, Response
from pydantic import BaseModel, Field

from chassis.fields import Body, Email, Secret
from chassis.gateway import PersonCaller, router
from services.accounts import passwords
from services.accounts.codes import SubmittedCode
from services.accounts.email_changes import handlers
from services.accounts.people.api import OwnAccount
from services.accounts.sessions import reauthentication
from services.accounts.tools import AccountsCall, host_of

routes = router()


class ChangeBody(Body):
    """The caller's password once more, and the address that is to be."""

    password: Secret
    new_email: Annotated[Email, Field(repr=False, examples=["nouvelle@laforce.example"])]


class AcceptedChange(BaseModel):
    """One mail is on its way. Ask GET /v1/deliveries/{delivery_handle} what became of it."""

    change_id: UUID
    delivery_handle: str
    expires_at: datetime = Field(description="When a code in the mail stops working.")


class VerificationBody(Body):
    """The one-time code of the mail to the new address."""

    code: SubmittedCode = Field(repr=False)


class UndoBody(Body):
    """What follows the # in the address to which the mail leads, and the password that the account had until then."""

    token: Secret
    password: Secret


@routes.post("/v1/account/email-changes", summary="Ask for another address", tags=["account"], status_code=202)
async def ask(call: AccountsCall, caller: PersonCaller, request: Request, body: ChangeBody) -> AcceptedChange:
    """Answers the same whether or not the new address has an account; the address stays until the code comes back.

    Problems: password_wrong (403), too_many_attempts (429).
    """
    proof = await reauthentication.compare(call, caller.account_id, body.password)
    accepted = await call.run(handlers.ask, handlers.Ask(proof, body.new_email, host_of(request)))
    return AcceptedChange(
        change_id=accepted.change_id, delivery_handle=accepted.delivery_handle, expires_at=accepted.expires_at
    )


@routes.post(
    "/v1/account/email-changes/{change_id}/verification", summary="Submit the code", tags=["account"], status_code=200
)
async def verify(
    call: AccountsCall, caller: PersonCaller, change_id: UUID, body: VerificationBody, response: Response
) -> OwnAccount:
    """Changes the address that signs in. The former one is told by mail, and can undo it for some days.

    Problems: code_refused (422; the same for a wrong, expired or spent code, an unknown change, an address in use).
    """
    own = await call.run(handlers.verify, handlers.Verify(caller.account_id, change_id, body.code))
    return OwnAccount.of(own, call.tools.agency, response)


@routes.post("/v1/email-change-undos", summary="Undo a change of address", tags=["account"], status_code=204)
async def undo(call: AccountsCall, request: Request, body: UndoBody) -> None:
    """For the page to which the mail leads, once its reader has clicked. Works once, and needs no sign-in.

    The account has the former address again, every session has ended, and no password works: lead the reader on to a
    password reset. Problems: undo_refused (422; the same for a wrong password and a link that is over),
    too_many_attempts (429).
    """
    candidate = await call.run(handlers.begin_undo, handlers.UndoAttempt(body.token, host_of(request)))
    right = await call.tools.hasher.verify(candidate.password_hash, passwords.normalized(body.password))
    await call.run(handlers.undo, handlers.Undo(body.token, candidate, right))
