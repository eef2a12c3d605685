"""Dead letters over HTTP, for agents, on the operations port."""

import contextlib
import time
from collections.abc import Callable
from typing import Annotated, Any, cast

from fastapi import Depends, FastAPI, Path, Query, Request, Response
from pydantic import BaseModel, Field

from chassis import gateway, pages
from chassis.dead_letters import handlers
from chassis.dead_letters.handlers import Asked
from chassis.dead_letters.redrive import Drop, Ending, Failed, Outcome, Redrive, Redriven, Waiting, drop
from chassis.dead_letters.storage import Choice
from chassis.dead_letters.views import LetterDetail, LetterView
from chassis.fields import Body, line
from chassis.gateway import AgentCaller, Call, Gateway
from chassis.outcomes import Refusal
from chassis.problems import ProblemRaised

LARGEST_ID = 2**63 - 1  # of a bigint
MOST_AT_ONCE = 500  # letters that one request sees to; a client asks again with `after` while it gets a `next`
LONGEST_ANSWER = 20.0  # seconds after which one request begins no further letter: well within a proxy's minute
LONGEST_KEY = 200  # characters; an identifier or a digest
LONGEST_REASON = 500  # characters

routes = gateway.router()
LettersCall = Annotated[Call[Any], Depends(Call)]
LetterId = Annotated[int, Path(ge=1, le=LARGEST_ID)]
Consumer = Annotated[str, line(LONGEST_KEY)]
Key = Annotated[str, line(LONGEST_KEY)]


class Letters(BaseModel):
    """One page. `total` is exact up to 10,000; beyond, `total_is_exact` is false and it means "at least"."""

    items: list[LetterView]
    total: int
    total_is_exact: bool
    next_cursor: str | None


class ToRedrive(Body):
    """Which letters: of one consumer, of one key as lists show it, of both, or all."""

    consumer: Consumer | None = None
    key: Key | None = None
    after: Annotated[int, Field(ge=0, le=LARGEST_ID, description="What the last answer gave as next.")] = 0


EVERYTHING = ToRedrive()


class ToDrop(Body):
    """Why the message is given up; kept in the audit. Name no person."""

    reason: Annotated[str, line(LONGEST_REASON)]


class Redrove(BaseModel):
    """How a letter ended; `duplicate`: applied before; `ignored`: a tombstone of something that is not kept here."""

    id: int
    ending: Ending


class FailedAgain(BaseModel):
    """A letter that stays, and why."""

    id: int
    reason: str


class StillWaiting(BaseModel):
    """A letter that stays untried, and the earlier one of its key that failed."""

    id: int
    waits_for: int


class Redriving(BaseModel):
    """How each letter ended, in order.

    With `next`, 500 letters or some 20 seconds were enough for one answer and there may be others: ask again, with
    `after` set to it, until it is null.
    """

    redriven: list[Redrove]
    failed: list[FailedAgain]
    waiting: list[StillWaiting]
    next: int | None


def build(
    service: str, served: Gateway[Any], redrive: Redrive[Any], clock: Callable[[], float] = time.monotonic
) -> FastAPI:
    """The application for agents on the operations port; `clock` tells seconds, from whenever."""
    app = gateway.build(f"Mandat {service}: operations", DESCRIPTION, [routes], served.default_language)
    app.state.gateway = served
    app.state.redrive = redrive
    app.state.clock = clock
    return app


DESCRIPTION = "Dead letters, for agents. On the operations port, never on the public host."


def _redrive(request: Request) -> Redrive[Any]:
    return cast(Redrive[Any], request.app.state.redrive)


Redriver = Annotated[Redrive[Any], Depends(_redrive)]


@routes.get("/v1/dead-letters")
async def list_letters(
    agent: AgentCaller,
    call: LettersCall,
    consumer: Annotated[Consumer | None, Query()] = None,
    key: Annotated[Key | None, Query(description="As lists show it.")] = None,
    cursor: Annotated[str | None, Query(max_length=1000)] = None,
    limit: Annotated[int, Query(ge=1, le=pages.LARGEST)] = 50,
) -> Letters:
    """The parked messages, oldest first."""
    found = await call.run(handlers.list_letters, Asked(Choice(consumer, key), cursor, limit))
    page = found.page
    return Letters(items=found.letters, total=page.total, total_is_exact=page.exact, next_cursor=page.next_cursor)


@routes.get("/v1/dead-letters/{letter_id}")
async def show(letter_id: LetterId, agent: AgentCaller, call: LettersCall) -> LetterDetail:
    """One parked message, its texts masked."""
    return await call.run(handlers.show, letter_id)


@routes.post("/v1/dead-letters/redrive")
async def redrive_many(
    request: Request, agent: AgentCaller, call: LettersCall, redrive: Redriver, body: ToRedrive = EVERYTHING
) -> Redriving:
    """Redrive the chosen letters (all, without a body) in order, up to 500 and for about 20 seconds.

    A key stops at its first failure.
    """
    clock: Callable[[], float] = request.app.state.clock
    found: list[Outcome] = []
    until, goes_on = clock() + LONGEST_ANSWER, False
    async with contextlib.aclosing(redrive.many(Choice(body.consumer, body.key), call.actor, body.after)) as outcomes:
        async for outcome in outcomes:
            found.append(outcome)
            if goes_on := len(found) == MOST_AT_ONCE or clock() >= until:
                break
    return Redriving(
        redriven=[Redrove(id=one.id, ending=one.ending) for one in found if isinstance(one, Redriven)],
        failed=[FailedAgain(id=one.id, reason=one.reason) for one in found if isinstance(one, Failed)],
        waiting=[StillWaiting(id=one.id, waits_for=one.earlier) for one in found if isinstance(one, Waiting)],
        next=found[-1].id if goes_on else None,
    )


@routes.post("/v1/dead-letters/{letter_id}/redrive")
async def redrive_one(letter_id: LetterId, agent: AgentCaller, call: LettersCall, redrive: Redriver) -> Redrove:
    """Redrive one letter; refused while an earlier one of its key stands and order matters."""
    match await redrive.one(letter_id, call.actor):
        case Redriven(identity, ending):
            return Redrove(id=identity, ending=ending)
        case Failed(_, reason):
            raise ProblemRaised(Refusal("dead_letter_failed", {"reason": reason}))
        case refusal:
            raise ProblemRaised(refusal)


@routes.post("/v1/dead-letters/{letter_id}/drop", status_code=204)
async def drop_one(letter_id: LetterId, body: ToDrop, agent: AgentCaller, call: LettersCall) -> Response:
    """Give a message up, with a reason. It is never applied, also when the broker delivers it again."""
    await call.run(drop, Drop(letter_id, body.reason))
    return Response(status_code=204)
