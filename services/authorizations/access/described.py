"""The access check in the OpenAPI document. What answers at these paths stands apart: authzen.build."""

from typing import Any, NoReturn

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from chassis.described import taking
from chassis.tokens import Machine, Person
from services.authorizations.access.authzen import MOST_QUESTIONS, Action, Batch, Context, Entity, Evaluation

ERRORS: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": str, "description": "A short text, as AuthZEN has it: malformed, no token, or not to be asked."},
    409: {"model": str, "description": "not_yet_applied: wait as long as Retry-After says."},
}

routes = APIRouter(dependencies=[Depends(taking((Person, Machine)))], responses=ERRORS)


class DecisionView(BaseModel):
    """The answer to one question. A no is a 200 too."""

    decision: bool
    context: dict[str, Any] | None = Field(
        None,
        description="With `explain`: the chain link by link, the reason of a no and what to do next, in both languages."
        " Of an item of a batch that is no question: why.",
    )


class DecisionsView(BaseModel):
    """The answers in the order of the questions; without `evaluations` in the body, `decision` and `context` alone."""

    evaluations: list[DecisionView]


class BatchAsked(Batch):
    """The body of a batch. `subject`, `action`, `resource` and `context` are those of each item that has none."""

    evaluations: list[dict[str, Any]] = Field(
        default_factory=list[dict[str, Any]], max_length=MOST_QUESTIONS,
        description="Each as one question; a key that stands in an item takes the place of the whole of it above.",
    )  # fmt: skip
    subject: Entity | None = None
    action: Action | None = None
    resource: Entity | None = None
    context: Context | None = None


@routes.post("/access/v1/evaluation", summary="May this account do this for this organization")
async def evaluation(question: Evaluation) -> DecisionView:
    """OpenID AuthZEN 1.0. For systems with the scope `access:evaluate`, and for people about themselves.

    `subject` is an account, `action` read or write, `resource` a subject of the catalogue with an organization's id,
    or `kind:number`; of a subject that is about oneself alone (GET /v1/own-subjects), the account's own id.
    """
    _answered_apart()


@routes.post("/access/v1/evaluations", summary="Several of these questions at once")
async def evaluations(batch: BatchAsked) -> DecisionsView:
    """OpenID AuthZEN 1.0, with its three ways to go on: all, to the first no, to the first yes."""
    _answered_apart()


def _answered_apart() -> NoReturn:
    """No request comes here: the gateway hands these paths to authzen before its own routes."""
    raise AssertionError("a path of the access check is answered by authzen alone")
