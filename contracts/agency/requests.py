"""requests.yaml: what people may ask that others decide: by whom, until when, and for which reasons."""

from collections.abc import Mapping
from typing import Annotated, Literal, Self, get_args

from pydantic import AfterValidator, Field, model_validator

from contracts.agency.text import Coded, Policy, Text

RequestKind = Literal["proposed_relation", "proposed_end", "access_request", "invitation", "mandate", "review"]
"""proposed_relation: an organization asks to act for another. proposed_end: it asks that such a relation end.
access_request: a person asks to act for an organization, whose contact it then becomes. invitation: an organization
offers that to whoever has an address, and nobody decides. mandate: a professional lets a named person use one service
in their name, and both sign. review: something that an agent must look at; its own reason says what."""

ReviewReason = Literal["duplicate", "unmanaged", "contested", "known_elsewhere", "misuse", "bounce"]
"""duplicate: a person to be added looks like one who is known. unmanaged: nobody can act for an organization any more.
contested: an account proved that it may be a contact, which another account is already, or beside another of its
contacts there. known_elsewhere: somebody who was added looks like a contact of another organization. misuse: another
person may use an account than its own. bounce: the mail with half of a credential did not arrive."""

Decider = Literal["organization", "agents"]
"""Who decides: those who manage the organization acted for, or agents. Agents may decide either."""

Outcome = Literal["approve", "reject", "return", "merge"]
"""What a decision says. merge: it is about somebody who is known already. return: whoever asked has to correct it."""

ACCEPTED_KINDS: frozenset[RequestKind] = frozenset({"invitation"})
"""Kinds that whoever they are about accepts, and nobody decides."""

REQUEST_KINDS: tuple[RequestKind, ...] = get_args(RequestKind)


class RequestRule(Policy):
    """A kind of request in words, who decides it, and for how many days it waits: the last one is the deadline.

    `reminders`: so many days before the deadline those who decide are told again.
    """

    name: Text
    decider: Decider
    days: int = Field(ge=1, le=730)
    reminders: tuple[Annotated[int, Field(ge=1, le=365)], ...] = Field(default=(), max_length=5)

    @model_validator(mode="after")
    def _reminds_in_time(self) -> Self:
        if any(days >= self.days for days in self.reminders):
            raise ValueError("a reminder comes after the request and before its deadline: fewer than `days` before it")
        return self


class DecisionReason(Coded):
    """A reason that a decision may give, for some outcomes of some kinds of requests."""

    name: Text
    kinds: tuple[RequestKind, ...] = Field(min_length=1)
    outcomes: tuple[Outcome, ...] = Field(min_length=1)


def _agents_decide(kinds: Mapping[RequestKind, RequestRule]) -> Mapping[RequestKind, RequestRule]:
    for kind in ("review", "mandate"):
        if kind in kinds and kinds[kind].decider != "agents":
            raise ValueError(f"agents decide a `{kind}`: it is theirs by its nature")
    return kinds


class Requests(Policy):
    """The file as a whole; `kinds` has every RequestKind but those of what the agency does without (features.py).

    `hold_minutes`: how long an agent who took a request from the queue has it for itself. `personal_days`: how long
    what a request said of a person is kept after its end, so that both sides can still read what was decided; as long
    who asked for access shows to others.
    """

    kinds: Annotated[Mapping[RequestKind, RequestRule], AfterValidator(_agents_decide)]
    reasons: tuple[DecisionReason, ...] = Field(max_length=100)
    hold_minutes: int = Field(ge=1, le=480)
    personal_days: int = Field(ge=1, le=730)
