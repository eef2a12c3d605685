"""How a use case can end, by who must act next: nobody, others, the caller, time, an operator."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from uuid import UUID


@dataclass(frozen=True)
class Done:
    """What was asked for has taken effect: the id of what was made or changed."""

    resource_id: UUID


@dataclass(frozen=True)
class Pending:
    """Others must act before what was asked for takes effect: the id of what waits for them."""

    resource_id: UUID


Made: TypeAlias = Done | Pending


@dataclass(frozen=True)
class Phrase:
    """Words of contracts/texts/words.yaml, put into the caller's language where a refusal is answered."""

    word: str
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Next:
    """What the caller can do instead: a word of words.yaml that says it, and the path where it is done."""

    code: str
    href: str


@dataclass(frozen=True)
class Refusal:
    """The caller must act. It is a returned outcome: its transaction commits, so that an attempt stays counted.

    `code` stands in contracts/texts/problems.yaml; `parameters` fill its text, a Phrase in the caller's language;
    `fields` name what to correct; `retry_after` is in seconds, and `{wait}` in a text says them; `next` is offered
    instead.
    """

    code: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    fields: tuple[str, ...] = ()
    retry_after: int | None = None
    next: Next | None = None


class Transient(Exception):
    """Time must act: the same message may succeed in a moment. Rolls back; retried, then parked."""


class Poison(Exception):
    """An operator must act: the message can never succeed as it is. Rolls back; parked at once."""


class CommitUnknown(Exception):
    """The connection broke during COMMIT: the work may have been done. A message comes again; the inbox knows it."""
