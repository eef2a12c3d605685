"""May this account do this, for this organization, at this instant, and why; may this profile manage."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from chassis.database import Connection, Pool
from chassis.outcomes import Refusal
from chassis.work import Work
from contracts.events import Level
from services.authorizations.access import domain, storage
from services.authorizations.access.domain import Acting, AsAgent, AsProfile, Decision, Mandate
from services.authorizations.access.storage import Sought
from services.authorizations.organizations import storage as organizations
from services.authorizations.tools import Tools


@dataclass(frozen=True)
class Question:
    """One access question; the organization is named by its id or as `kind:number`. None: an id that is not one.

    Of a subject of scope self, the account's own id stands in the organization's place. `recorded_at` asks by what was
    known then.
    """

    account_id: UUID | None
    level: Level | None
    subject: str
    organization: str
    at: datetime
    recorded_at: datetime | None = None


UNKNOWN = Decision(False, reason="unknown")
NO_CHAIN = Decision(False, reason="no_relation")

NOBODYS = UUID(int=0)
"""Looked up in place of an organization that does not exist, so that it costs the same work."""


async def evaluate(pool: Pool, tools: Tools, questions: Sequence[Question]) -> list[Decision]:
    """The decision on each of several questions, with its chain; NO_CHAIN where there is none.

    What does not exist is a no like any other.
    """
    of_self = [question for question in questions if _is_of_oneself(tools, question)]
    of_files = [question for question in questions if not _is_of_oneself(tools, question)] if of_self else questions
    async with pool.acquire() as connection:
        oneself = iter(await _of_oneself(connection, tools, of_self))
        sought = await _sought(connection, tools, of_files)
        chains = iter(await storage.of_accounts(connection, [one for one in sought if one is not None]))
    decided = iter([UNKNOWN if one is None else domain.decide(next(chains), one.level) or NO_CHAIN for one in sought])
    return [next(oneself) if _is_of_oneself(tools, question) else next(decided) for question in questions]


def _is_of_oneself(tools: Tools, question: Question) -> bool:
    subject = tools.agency.subjects.get(question.subject)
    return subject is not None and subject.scope == "self"


async def _of_oneself(connection: Connection, tools: Tools, questions: Sequence[Question]) -> list[Decision]:
    """Any active account may, before any organization is linked; and nobody for another account."""
    active: dict[tuple[UUID, datetime, datetime | None], bool] = {}
    found = []
    for question in questions:
        account_id, moment = question.account_id, tools.moment(question.at, question.recorded_at)
        if (
            account_id is None
            or question.level is None
            or not tools.agency.subjects[question.subject].in_force(moment.day)
        ):
            found.append(UNKNOWN)
        elif not _names(question.organization, account_id):
            found.append(domain.NOT_ONESELF)
        else:
            key = (account_id, question.at, question.recorded_at)
            if key not in active:
                active[key] = await storage.is_active(connection, moment, account_id)
            found.append(domain.of_oneself(active[key]))
    return found


def _names(resource: str, account_id: UUID) -> bool:
    try:
        return UUID(resource) == account_id
    except ValueError:
        return False


async def why_no_chain(pool: Pool, tools: Tools, question: Question, *, tells_unknown: bool) -> Decision:
    """NO_CHAIN with its reason, what the account lacks first, and the links up to there.

    Without `tells_unknown` an organization that does not exist is one that the account has nothing to do with.
    """
    async with pool.acquire() as connection:
        [sought] = await _sought(connection, tools, [question])
        if sought is None:
            return UNKNOWN
        lacking = await _lacking(connection, sought)
    return UNKNOWN if tells_unknown and sought.organization_id == NOBODYS else lacking


async def mandate_of(pool: Pool, tools: Tools, question: Question, decision: Decision) -> Mandate | None:
    """The mandate that the right of a decision came of, for an explanation; None where it was given otherwise."""
    if decision.relation_id is None:
        return None
    moment = tools.moment(question.at, question.recorded_at)
    async with pool.acquire() as connection:
        return await storage.mandate(connection, tools.day, moment, decision.relation_id, question.subject)


async def _sought(connection: Connection, tools: Tools, questions: Sequence[Question]) -> list[Sought | None]:
    """What is to be looked up for each question; None where there is nothing to look for."""
    ids = await _organization_ids(connection, {question.organization for question in questions})
    return [_lookup(tools, question, ids.get(question.organization, NOBODYS)) for question in questions]


def _lookup(tools: Tools, question: Question, organization_id: UUID) -> Sought | None:
    if question.account_id is None or question.level is None:
        return None
    if question.subject not in tools.agency.subjects:
        return None
    moment = tools.moment(question.at, question.recorded_at)
    return Sought(moment, question.account_id, organization_id, question.subject, question.level)


async def _organization_ids(connection: Connection, names: Collection[str]) -> dict[str, UUID]:
    """Organizations by how questions name them; those that do not exist are absent, unless they are named by an id."""
    found: dict[str, UUID] = {}
    numbers: dict[tuple[str, str], str] = {}
    for name in names:
        try:
            found[name] = UUID(name)
        except ValueError:
            kind, _, number = name.partition(":")
            numbers[kind, number] = name
    if numbers:
        ids = await organizations.ids(connection, numbers)
        found |= {numbers[numbered]: organization_id for numbered, organization_id in ids.items()}
    return found


async def _lacking(connection: Connection, sought: Sought) -> Decision:
    if not await storage.has_profile(connection, sought.moment, sought.account_id):
        return domain.NO_PROFILE
    others = await storage.of_account(connection, sought.moment, sought.account_id, sought.organization_id)
    return domain.without_subject(domain.decide(others, "read"))


async def may_manage(work: Work[Tools], by: AsProfile, organization_id: UUID | None) -> Acting | Refusal:
    """The profile that asks, re-read: it must manage the organization, which must be its own.

    From then on the audit knows why it was allowed, or in whose file to note that it was refused.
    """
    acting = await storage.acting(work.connection, work.now, work.today, by.account_id, by.contact_id)
    if acting is None:
        return Refusal("profile_not_yours")
    work.concerning = acting.organization_id
    if organization_id is None or acting.organization_id != organization_id:
        return Refusal("not_found")
    function = work.tools.managing_function(acting)
    if function is None:
        return Refusal("not_permitted")
    work.rule = f"manages:{function}"
    return acting


async def permitted(work: Work[Tools], by: AsProfile | AsAgent, organization_id: UUID | None) -> Refusal | None:
    """Why who asks may not do what those who manage an organization may, and agents for any; None if it may.

    Only an agent's token makes an agent: whoever else acts may nothing as one.
    """
    match by:
        case AsProfile():
            acting = await may_manage(work, by, organization_id)
            return acting if isinstance(acting, Refusal) else None
        case AsAgent():
            return None if work.actor.kind == "agent" else Refusal("not_permitted")


async def note_view(work: Work[Tools], organization_id: UUID) -> None:
    """An agent opened an organization's list."""
    work.audit("file_viewed", organization_id=organization_id, object_id=organization_id)
