"""What the addressee of a mail may ask, and what an agent learns besides."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, Path, Request
from pydantic import BaseModel, ConfigDict, Field

from chassis import gateway
from chassis.gateway import Call
from chassis.tokens import Agent
from contracts.problems import word
from services.notifications.mails import domain, handlers
from services.notifications.mails.domain import Delivery, State, Status
from services.notifications.tools import Tools

LONGEST_HANDLE = 128  # characters; ours have 32 to 64

router = gateway.router()


class DeliveryAnswer(BaseModel):
    """Where a mail is, and what to do."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "status": "sent",
                "since": "2026-11-22T19:30:00Z",
                "next_attempt_at": None,
                "hint": "The e-mail is on its way. If you do not see it in a few minutes, look in your junk folder.",
            }
        }
    )

    status: Status
    since: Annotated[datetime | None, Field(description="When the status began; null while it is accepted.")]
    next_attempt_at: Annotated[datetime | None, Field(description="When we try again, while it is deferred.")]
    hint: Annotated[str, Field(description="What to do, in the caller's language.")]


class AgentsDeliveryAnswer(DeliveryAnswer):
    """What an agent learns besides."""

    state: Annotated[State, Field(description="Tells apart what people read as undelivered: bounced, suppressed.")]
    reason: Annotated[
        str | None,
        Field(description="Enhanced status code (RFC 3463), or why it expired, or why its address is suppressed."),
    ]


async def agent_asks(request: Request) -> bool:
    """Whether an agent's token came with the request; the agent is the caller then. One that is no good is refused."""
    if "authorization" not in request.headers:
        return False
    caller = await gateway.authenticate(request, request.app.state.gateway.verifier)
    if not isinstance(caller, Agent):
        return False
    request.state.caller = caller
    return True


@router.get("/v1/deliveries/{handle}", summary="Where a mail is", tags=["deliveries"])
async def get_delivery(
    handle: Annotated[
        str, Path(min_length=1, max_length=LONGEST_HANDLE, description="The delivery_handle that came with the answer.")
    ],
    call: Annotated[Call[Tools], Depends(Call)],
    by_agent: Annotated[bool, Depends(agent_asks)],
) -> AgentsDeliveryAnswer | DeliveryAnswer:
    """Where the mail of this handle is. The handle is the right to ask: no token is needed; an agent's shows more.

    An unknown handle answers like a mail that has just been accepted, so nothing can be learnt by asking.
    """
    if not by_agent:
        return DeliveryAnswer(**_answer(call, await call.run(handlers.tell, handle)))
    standing = await call.run(handlers.view, handle)
    answer = _answer(call, domain.delivery(standing))
    if standing is None:
        return DeliveryAnswer(**answer)
    return AgentsDeliveryAnswer(**answer, state=standing.state, reason=standing.reason)


def _answer(call: Call[Tools], delivery: Delivery) -> dict[str, Any]:
    return {
        "status": delivery.status,
        "since": delivery.since,
        "next_attempt_at": delivery.next_attempt_at,
        "hint": word(delivery.hint, call.language, support=call.tools.support),
    }
