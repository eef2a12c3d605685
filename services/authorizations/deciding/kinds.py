"""What each kind of request is: a row here, and a rule in the agency's data: who decides, and for how long."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from chassis.database import Connection, Pool
from chassis.outcomes import Refusal
from chassis.work import Work
from contracts.agency.forms import FormKind
from contracts.agency.requests import Outcome, RequestKind, ReviewReason
from services.authorizations.claims import carrying_out as claims
from services.authorizations.claims import mails as claim_mails
from services.authorizations.contested import handlers as contested
from services.authorizations.contested import storage as contested_rows
from services.authorizations.credentials import handlers as credentials
from services.authorizations.deciding import asked
from services.authorizations.deciding.asked import AskedView, Shown
from services.authorizations.invitations import handlers as invitations
from services.authorizations.mandates import approving
from services.authorizations.mandates import storage as mandate_rows
from services.authorizations.mandates import telling as mandates
from services.authorizations.misuse import handlers as misuse
from services.authorizations.representations import carrying_out as representations
from services.authorizations.requests import telling
from services.authorizations.requests.domain import AskedGrants, Decision, NewText, Request, Told
from services.authorizations.reviews import carrying_out as reviews
from services.authorizations.tools import Tools


@dataclass(frozen=True)
class Correctable:
    """How a text that was returned is corrected: by which form, whether that describes a person, and what comes of it.

    `correct` runs with the organizations and the request locked, after everything else was looked at.
    """

    form: FormKind
    is_of_person: bool
    correct: Callable[[Work[Tools], Request, NewText], Awaitable[AskedGrants]]


@dataclass(frozen=True)
class Needless:
    """Which requests that wait nobody need decide any more, on a day: some of them, and whether a locked one is."""

    some: Callable[[Pool, date, int], Awaitable[list[UUID]]]
    is_one: Callable[[Connection, UUID, date], Awaitable[bool]]


@dataclass(frozen=True)
class Kind:
    """How a decision may end it, what an approval or a merge brings about, how it is shown, and who is told of the end.

    `carry_out` runs with the organizations and the request locked. It looks before it writes: a refusal is committed.
    `refuse_early` says whether something that a decision needs has yet to arrive; `needless`, which ones end alone.
    `tell_deciders` tells those whom it comes to; `remind` tells them once more, so many days before the last one; the
    agency's data say when, if ever.
    """

    ends: frozenset[Outcome]
    carry_out: Callable[[Work[Tools], Request, Decision], Awaitable[Refusal | None]]
    show: Callable[[Shown, Request], Awaitable[AskedView]]
    tell: Callable[[Work[Tools], Request, Told, str | None], Awaitable[None]] = telling.tell_both_sides
    tell_deciders: Callable[[Work[Tools], Request], Awaitable[None]] = telling.tell_deciders
    remind: Callable[[Work[Tools], Request, int], Awaitable[None]] = telling.tell_deciders
    refuse_early: Callable[[Work[Tools], Request], Awaitable[Refusal | None]] | None = None
    correctable: Correctable | None = None
    needless: Needless | None = None

    @property
    def outcomes(self) -> frozenset[Outcome]:
        """What a decision may say: what can be corrected can be returned."""
        return self.ends | {"return"} if self.correctable else self.ends


KINDS: Mapping[tuple[RequestKind, ReviewReason | None], Kind] = {
    ("proposed_relation", None): Kind(
        ends=frozenset({"approve", "reject"}),
        carry_out=representations.begin,
        show=asked.relation,
        correctable=Correctable("representation", is_of_person=False, correct=representations.correct),
    ),
    ("proposed_end", None): Kind(
        ends=frozenset({"approve", "reject"}),
        carry_out=representations.end,
        show=asked.end,
    ),
    ("access_request", None): Kind(
        ends=frozenset({"approve", "reject", "merge"}),
        carry_out=claims.give_access,
        show=asked.access,
        tell=claims.tell,
        tell_deciders=claim_mails.tell_deciders,
        remind=claim_mails.tell_deciders,
    ),
    ("invitation", None): Kind(
        ends=frozenset(),
        carry_out=invitations.nobody_decides,
        show=asked.invitation,
        tell=invitations.tell,
        remind=invitations.remind,
    ),
    ("mandate", None): Kind(
        ends=frozenset({"approve", "reject", "return"}),
        carry_out=approving.approve,
        show=asked.mandate,
        tell=mandates.tell,
        remind=mandates.remind,
        needless=Needless(mandate_rows.renewing_ended, mandate_rows.renews_ended),
    ),
    ("review", "duplicate"): Kind(
        ends=frozenset({"approve", "reject", "merge"}),
        carry_out=reviews.settle_duplicate,
        show=asked.contact,
        correctable=Correctable("addition", is_of_person=True, correct=reviews.correct),
    ),
    ("review", "unmanaged"): Kind(
        ends=frozenset({"approve", "reject"}),
        carry_out=reviews.appoint,
        show=asked.manager,
    ),
    ("review", "known_elsewhere"): Kind(
        ends=frozenset({"merge", "reject"}),
        carry_out=reviews.recognize,
        show=asked.comparison,
    ),
    ("review", "contested"): Kind(
        ends=frozenset({"approve", "reject"}),
        carry_out=contested.end_obstacle,
        show=asked.link,
        tell=contested.tell,
        refuse_early=contested.refuse_strangers,
        needless=Needless(contested_rows.resolved, contested_rows.is_resolved),
    ),
    ("review", "misuse"): Kind(
        ends=frozenset({"approve", "reject"}),
        carry_out=misuse.establish,
        show=asked.misuse,
    ),
    ("review", "bounce"): Kind(
        ends=frozenset({"approve", "reject"}),
        carry_out=credentials.send_again,
        show=asked.bounce,
        tell=credentials.tell,
    ),
}


def kind_of(request: Request) -> Kind:
    """The kind of a request; of a review, by its reason."""
    return KINDS[request.kind, request.reason]
