"""The address of a side of a mandate over HTTP: given after another was refused; another one asked for by an agent."""

from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from chassis.fields import Body
from chassis.gateway import AgentCaller, router
from chassis.outcomes import Refusal
from chassis.problems import ProblemRaised
from contracts.agency.mandates import MandateSide
from services.authorizations.access.domain import AsProfile
from services.authorizations.mandate_addresses.handlers import (
    AskForAnother,
    GiveAddress,
    ask_for_another,
    give_address,
)
from services.authorizations.profile import AuthorizationsCall, SignedIn
from services.authorizations.requests import storage as requests
from services.authorizations.requests.domain import State

routes = router()

ADDRESS = "mandate_address"  # what the proof is for


class AddressBody(Body):
    """An address that its reader proved (POST /v1/address-proofs of accounts), and the token of a mail, if by one."""

    address_proof: Annotated[str, Field(repr=False, min_length=1, max_length=4096, pattern=r"^[0-9A-Za-z._-]+$")]
    token: Annotated[str | None, Field(repr=False, min_length=20, max_length=200, pattern=r"^[0-9A-Za-z._-]+$")] = None


class SideBody(Body):
    """Whose address is not one person's alone."""

    side: MandateSide


class TakenView(BaseModel):
    """The address is the side's; `state` is `submitted` once nothing of the mandate is missing."""

    mandate_id: UUID
    state: State


@routes.post("/v1/mandates/{mandate_id}/address", summary="Give another address")
async def post_address(mandate_id: UUID, body: AddressBody, signer: SignedIn, call: AuthorizationsCall) -> TakenView:
    """By whoever has the token of a mail; or by the professional, signed in.

    Problems: proof_refused, address_of_a_function, address_of_the_other_side, address_of_another (422; another one is
    waited for), address_not_asked, mandate_link_over (409).
    """
    person, profile = signer
    address = call.proven(body.address_proof, ADDRESS, "address_proof")
    if body.token is not None:
        by: AsProfile | str = body.token
    elif person is None:
        raise ProblemRaised(Refusal("not_authenticated"))
    elif profile is None:
        raise ProblemRaised(Refusal("profile_required", fields=("Mandat-Profile",)))
    else:
        by = AsProfile(person.account_id, profile)
    await call.run(give_address, GiveAddress(mandate_id, by, address))
    async with call.gateway.unit.pool.acquire() as connection:
        request = await requests.get(connection, mandate_id)
    assert request is not None  # it took an address
    return TakenView(mandate_id=mandate_id, state=request.state)


@routes.post("/v1/mandates/{mandate_id}/address-requests", summary="Ask for another address", status_code=204)
async def post_address_request(mandate_id: UUID, body: SideBody, _: AgentCaller, call: AuthorizationsCall) -> None:
    """Agents: the side is asked on the other known channel. The mandate waits outside the queue, and is not lost.

    Problems: not_found (404), address_not_there (409).
    """
    await call.run(ask_for_another, AskForAnother(mandate_id, body.side))
