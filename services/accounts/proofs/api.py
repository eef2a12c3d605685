"""/v1/proofs."""

from typing import Annotated

from pydantic import BaseModel, Field

from chassis.fields import Body, Secret
from chassis.gateway import PersonCaller, router
from contracts.proofs import PasswordPurpose
from services.accounts.proofs import handlers
from services.accounts.proofs.domain import PASSWORD_PROOF
from services.accounts.sessions import reauthentication
from services.accounts.tools import AccountsCall

routes = router()


class ProofBody(Body):
    """The caller's password once more, for one act on what has this digest: the text that is signed."""

    password: Secret
    purpose: PasswordPurpose
    digest: Annotated[
        str, Field(pattern="^[0-9a-f]{64}$", repr=False, description="SHA-256, in hex.", examples=["5f" * 32])
    ]


class Proof(BaseModel):
    """Hand it to the service where the act is done, before it ends. It counts once for each thing done with it."""

    proof: str = Field(repr=False)
    expires_in: int = Field(description="Seconds.", examples=[120])


@routes.post("/v1/proofs", summary="Prove oneself again, for one act elsewhere", tags=["proofs"])
async def prove(call: AccountsCall, caller: PersonCaller, body: ProofBody) -> Proof:
    """The act's own service says what is to be digested. The proof is no access token.

    Problems: password_wrong (403), invalid_request (422; also a purpose that the agency does without),
    too_many_attempts (429).
    """
    await call.run(handlers.admit, body.purpose)
    password = await reauthentication.compare(call, caller.account_id, body.password)
    proof = await call.run(handlers.prove, handlers.Prove(password, body.purpose, body.digest))
    return Proof(proof=proof, expires_in=int(PASSWORD_PROOF.total_seconds()))
