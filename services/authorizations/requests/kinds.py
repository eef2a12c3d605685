"""What each kind of request does once it is decided. A new kind is a row here, and a rule in the agency's data."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from chassis.outcomes import Refusal
from chassis.work import Work
from contracts.agency.requests import Outcome, RequestKind, ReviewReason
from services.authorizations.contacts import reviewed
from services.authorizations.contested import handlers as contested
from services.authorizations.representations import requested
from services.authorizations.requests import telling
from services.authorizations.requests.domain import Decision, Request, Told
from services.authorizations.tools import Tools


@dataclass(frozen=True)
class Kind:
    """The outcomes that a decision may have, what an approval or a merge brings about, and who is told of the end.

    `carry_out` runs with the organizations and the request locked. It looks before it writes: a refusal is committed.
    `refuse_early` says whether something that a decision needs has yet to arrive.
    """

    outcomes: frozenset[Outcome]
    carry_out: Callable[[Work[Tools], Request, Decision], Awaitable[Refusal | None]]
    tell: Callable[[Work[Tools], Request, Told, str | None], Awaitable[None]] = telling.tell_both_sides
    refuse_early: Callable[[Work[Tools], Request], Awaitable[Refusal | None]] | None = None


KINDS: Mapping[tuple[RequestKind, ReviewReason | None], Kind] = {
    ("proposed_relation", None): Kind(frozenset({"approve", "reject", "return"}), requested.begin),
    ("proposed_end", None): Kind(frozenset({"approve", "reject"}), requested.end),
    ("review", "duplicate"): Kind(frozenset({"approve", "reject", "return", "merge"}), reviewed.settle_duplicate),
    ("review", "unmanaged"): Kind(frozenset({"approve", "reject"}), reviewed.appoint),
    ("review", "known_elsewhere"): Kind(frozenset({"merge", "reject"}), reviewed.recognize),
    ("review", "contested"): Kind(
        frozenset({"approve", "reject"}), contested.end_obstacle, contested.tell, contested.refuse_strangers
    ),
}


def kind_of(request: Request) -> Kind:
    """The kind of a request; of a review, by its reason."""
    return KINDS[request.kind, request.reason]
