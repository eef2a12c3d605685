"""What a chain of links says: whether it holds, and which link fails first."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from contracts.events import Level
from services.authorizations.periods import Period


@dataclass(frozen=True)
class Moment:
    """The instant asked about, the agency's day then, and which subjects the agency lets delegate.

    With `recorded_at`, by what was known at that instant; else by what is known now.
    """

    at: datetime
    day: date
    delegable: Sequence[str]
    recorded_at: datetime | None = None


@dataclass(frozen=True)
class AsProfile:
    """Who asks, as the request says: an account through one of its contacts. Re-read under the lock."""

    account_id: UUID
    contact_id: UUID


@dataclass(frozen=True)
class AsAccount:
    """Who asks or looks has chosen no profile, and perhaps has none: an account, about what it asked itself."""

    account_id: UUID


@dataclass(frozen=True)
class AsAgent:
    """Who asks or looks is an agent of the agency, for whom no organization's managers are asked."""


@dataclass(frozen=True)
class Acting:
    """An account with its chosen profile, as it may act at this moment."""

    account_id: UUID
    contact_id: UUID
    organization_id: UUID
    functions: frozenset[str]


@dataclass(frozen=True)
class Chain:
    """One chain from a holder to a subject of an organization; each bool is one link of it, at the moment asked about.

    `level` is the lowest along the chain.
    """

    relation_id: UUID
    through: UUID | None
    level: Level
    account_active: bool
    bound: bool
    organization_active: bool
    firm_active: bool
    unblocked: bool
    membership_holds: bool
    through_holds: bool
    relation_holds: bool
    delegable: bool
    right_holds: bool
    firm_right_holds: bool

    @property
    def holds(self) -> bool:
        """Whether it is in force as a whole."""
        return all(link.holds for link in links(self, "read"))


@dataclass(frozen=True)
class Entitlement(Chain):
    """A chain with everything that lists and forms show of it; `valid` the days that relation and right share.

    `request_id`: by what the right was asked for, where it was.
    """

    organization_id: UUID
    holder_kind: str
    holder_id: UUID
    holder_organization_id: UUID
    membership: UUID | None
    all_rights: bool
    type: str
    function: str
    right_id: UUID
    request_id: UUID | None
    subject: str
    valid: Period | None


class Link(NamedTuple):
    """One link of a chain, named as in words.yaml (`link_…`)."""

    name: str
    holds: bool

    @property
    def reason(self) -> str:
        """The name of the reason of a no, where it fails first."""
        return "blocked" if self.name == "unblocked" else self.name


@dataclass(frozen=True)
class Mandate:
    """The mandate that a right came of: the day on which both sides had signed, and the days of the right."""

    mandate_id: UUID
    signed_on: date
    period: Period


@dataclass(frozen=True)
class Decision:
    """The answer, the chain it rests on, and for a no the name of the reason (`reason_…` in words.yaml)."""

    allowed: bool
    links: Sequence[Link] = ()
    reason: str | None = None
    relation_id: UUID | None = None


def links(chain: Chain, wanted: Level) -> list[Link]:
    """The links of a chain in the order in which a person would check them."""
    found = [
        Link("account", chain.account_active),
        Link("binding", chain.bound),
        Link("organization", chain.organization_active),
    ]
    if chain.through is not None:
        found += [Link("firm", chain.firm_active)]
    found += [Link("unblocked", chain.unblocked)]
    if chain.through is not None:
        found += [Link("membership", chain.membership_holds), Link("through", chain.through_holds)]
    found += [Link("relation", chain.relation_holds)]
    if chain.through is not None:
        found += [Link("delegable", chain.delegable)]
    found += [Link("right", chain.right_holds)]
    if chain.through is not None:
        found += [Link("firm_right", chain.firm_right_holds)]
    found += [Link("level", wanted == "read" or chain.level == "write")]
    return found


def decide(chains: Iterable[Chain], wanted: Level) -> Decision | None:
    """The answer of the best chain: one that holds, else the one that gets furthest. None when there is no chain."""
    best: tuple[int, Decision] | None = None
    for chain in chains:
        found = links(chain, wanted)
        failed = next((link for link in found if not link.holds), None)
        if failed is None:
            return Decision(True, found, None, chain.relation_id)
        reach = found.index(failed) - len(found)
        if best is None or reach > best[0]:
            best = (reach, Decision(False, found, failed.reason, chain.relation_id))
    return best[1] if best else None


OF_SUBJECT = frozenset({"delegable", "right", "firm_right", "level"})
"""The links that say something of a subject; those before them are the same for every subject of an organization."""

NO_PROFILE = Decision(False, (Link("binding", False),), "no_profile")
"""The account is no contact at all."""

NO_RELATION = Decision(False, (Link("relation", False),), "no_relation")
"""The account has nothing to do with the organization."""


NOT_ONESELF = Decision(False, (Link("oneself", False),), "oneself")
"""The subject is about oneself alone, and what was named is not the account that asks."""


def of_oneself(account_active: bool) -> Decision:
    """The answer about a subject that any active account has for itself, before any organization is linked."""
    found = (Link("oneself", True), Link("account", account_active))
    return Decision(account_active, found, None if account_active else "account")


def without_subject(nearest: Decision | None) -> Decision:
    """The no to a subject of an organization that none of the account's chains leads to: links to the first that fails.

    `nearest` is the decision on its chains to whatever other subjects of the organization; None: it has none there.
    """
    if nearest is None:
        return NO_RELATION
    shared = [link for link in nearest.links if link.name not in OF_SUBJECT]
    failed = next((link for link in shared if not link.holds), None)
    if failed is None:
        return Decision(False, (*shared, Link("right", False)), "no_subject", nearest.relation_id)
    return Decision(False, shared[: shared.index(failed) + 1], failed.reason, nearest.relation_id)
