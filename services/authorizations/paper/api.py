"""POST /v1/paper-mandates for agents; what each side does with the mail that asks to confirm an address."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import Response
from pydantic import BaseModel, Field, StringConstraints

from chassis.fields import Body, Email, Name, Reference
from chassis.gateway import ONCE, AgentCaller, router
from contracts.events import Language
from services.authorizations.mandates.eligibility import Wanted
from services.authorizations.paper.handlers import ConfirmAddress, EnterPaper, confirm_address, enter_paper
from services.authorizations.personal.domain import Personal
from services.authorizations.profile import AuthorizationsCall
from services.authorizations.requests import storage as requests
from services.authorizations.requests.domain import State

routes = router()


class PaperDelegateBody(Body):
    """The user section of the paper."""

    family_name: Name
    given_name: Name
    email: Email
    language: Language


class PaperBody(Body):
    """What stands on one paper, which has one file: POST /v1/attachments with its `organization_id`.

    `received_on` is the day on which the paper was received, whose order the queue keeps. `language` is the paper's.
    """

    organization_id: UUID
    professional_id: UUID = Field(description="The contact of the organization who signed.")
    professional_email: Email
    delegate: PaperDelegateBody
    service: Reference
    role: Reference
    starts_on: date | None = None
    ends_on: date | None = None
    language: Language
    attachment_id: UUID
    received_on: date


class EnteredView(BaseModel):
    """A mandate that waits until both addresses are confirmed, until `lapses_on` at most."""

    mandate_id: UUID
    lapses_on: date


class ConfirmationBody(Body):
    """The token of the mail's link, as it stands after the #."""

    token: Annotated[str, StringConstraints(min_length=20, max_length=200, pattern=r"^[0-9A-Za-z._-]+$")] = Field(
        repr=False
    )


class ConfirmedView(BaseModel):
    """The address is confirmed; `state` is `submitted` once the other one is too."""

    mandate_id: UUID
    state: State


@routes.post("/v1/paper-mandates", status_code=201, summary="Enter a mandate from paper (agents)", dependencies=[ONCE])
async def post_paper(body: PaperBody, agent: AgentCaller, call: AuthorizationsCall, response: Response) -> EnteredView:
    """One paper, one file, one mandate. Both who signed are asked by mail to confirm their address.

    Problems: document_of_another (422: one file for each form), unknown_attachment, paper_date_refused, those of POST
    /v1/mandates.
    """
    delegate = body.delegate
    person = Personal(delegate.family_name, delegate.given_name, delegate.email, [], delegate.language)
    wanted = Wanted(person, body.service, body.role, body.starts_on, body.ends_on, body.language)
    command = EnterPaper(
        body.organization_id, body.professional_id, body.professional_email, wanted, body.attachment_id,
        body.received_on, call.language,
    )  # fmt: skip
    mandate_id = await call.create(enter_paper, command)
    async with call.gateway.unit.pool.acquire() as connection:
        request = await requests.get(connection, mandate_id)
    assert request is not None  # no row is ever deleted
    response.headers["Location"] = f"/v1/mandates/{mandate_id}"
    return EnteredView(mandate_id=mandate_id, lapses_on=request.lapses_on)


@routes.post("/v1/mandates/{mandate_id}/confirmation", summary="Confirm the address on a paper")
async def post_confirmation(mandate_id: UUID, body: ConfirmationBody, call: AuthorizationsCall) -> ConfirmedView:
    """By whoever has the token of the mail that was sent there. Again, it changes nothing."""
    await call.run(confirm_address, ConfirmAddress(mandate_id, body.token))
    async with call.gateway.unit.pool.acquire() as connection:
        request = await requests.get(connection, mandate_id)
    assert request is not None  # it has an address
    return ConfirmedView(mandate_id=mandate_id, state=request.state)
