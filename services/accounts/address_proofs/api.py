"""/v1/address-proofs."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Request
from pydantic import BaseModel, Field

from chassis.fields import Body, Email
from chassis.gateway import router
from contracts.events import Language
from contracts.proofs import AddressPurpose
from services.accounts.address_proofs import domain, handlers
from services.accounts.codes import SubmittedCode
from services.accounts.proofs.api import Proof
from services.accounts.proofs.domain import ADDRESS_PROOF
from services.accounts.tools import AccountsCall, host_of

routes = router()


class AddressProofBody(Body):
    """The address to prove, for what, and the language of the mail."""

    email: Annotated[Email, Field(repr=False, examples=["personne@exemple.example"])]
    purpose: AddressPurpose
    language: Language


class AcceptedAddressProof(BaseModel):
    """One mail is on its way. Ask GET /v1/deliveries/{delivery_handle} what became of it."""

    proof_id: UUID
    delivery_handle: str
    expires_at: datetime = Field(description="When the code in the mail stops working.")
    resend_after: datetime = Field(description="From when on another mail may be asked for.")

    @classmethod
    def of(cls, accepted: domain.Accepted) -> "AcceptedAddressProof":
        """As the caller sees it."""
        return cls(
            proof_id=accepted.proof_id,
            delivery_handle=accepted.delivery_handle,
            expires_at=accepted.expires_at,
            resend_after=accepted.resend_after,
        )


class CodeBody(Body):
    """The one-time code of the latest mail."""

    code: SubmittedCode = Field(repr=False)


@routes.post("/v1/address-proofs", summary="Ask for a code to an address", tags=["proofs"], status_code=202)
async def ask(call: AccountsCall, request: Request, body: AddressProofBody) -> AcceptedAddressProof:
    """Anybody may, with an account or without. Answers the same for every address; one mail goes to it, with a code.

    Takes no Idempotency-Key, as registrations do not: repeating is harmless, and counted.

    Problems: invalid_request (422; also a purpose that the agency does without), too_many_attempts (429).
    """
    command = handlers.Ask(body.email, body.purpose, body.language, host_of(request))
    return AcceptedAddressProof.of(await call.run(handlers.ask, command))


@routes.post("/v1/address-proofs/{proof_id}/resend", summary="Ask for another code", tags=["proofs"], status_code=202)
async def resend(call: AccountsCall, request: Request, proof_id: UUID) -> AcceptedAddressProof:
    """Kills the code before it; wrong tries stay counted. Unknown ids are answered alike.

    Problems: resend_too_soon (429, Retry-After), address_proof_exhausted (409), too_many_attempts (429).
    """
    return AcceptedAddressProof.of(await call.run(handlers.resend, handlers.Resend(proof_id, host_of(request))))


@routes.post("/v1/address-proofs/{proof_id}/completion", summary="Submit the code", tags=["proofs"])
async def complete(call: AccountsCall, request: Request, proof_id: UUID, body: CodeBody) -> Proof:
    """A signed proof that whoever submits the code reads the address; it lives while a form is filled in.

    Problems: code_refused (422; the same for a wrong, expired or spent code and an unknown id), too_many_attempts
    (429).
    """
    command = handlers.Complete(proof_id, body.code, host_of(request))
    proof = await call.run(handlers.complete, command)
    return Proof(proof=proof, expires_in=int(ADDRESS_PROOF.total_seconds()))
