"""May this account do this, for this organization, at this instant, and why; may this profile manage."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from chassis.database import Connection
from chassis.outcomes import Refusal
from chassis.work import Work
from contracts.events import Level
from services.authorizations.access import domain, storage
from services.authorizations.access.domain import Acting, AsProfile, Decision, Moment
from services.authorizations.organizations import storage as organizations
from services.authorizations.tools import Tools


@dataclass(frozen=True)
class Question:
    """One access question; the organization is named by its id or as `kind:number`. None: an id that is not one.

    `recorded_at` asks by what was known then.
    """

    account_id: UUID | None
    level: Level | None
    subject: str
    organization: str
    at: datetime
    recorded_at: datetime | None = None


async def evaluate(connection: Connection, tools: Tools, question: Question) -> Decision:
    """The decision, with its chain. What does not exist is a no like any other."""
    organization_id = await _organization_id(connection, question.organization)
    if question.account_id is None or question.level is None or organization_id is None:
        return Decision(False, reason="unknown")
    if question.subject not in tools.agency.subjects:
        return Decision(False, reason="unknown")
    moment = tools.moment(question.at, question.recorded_at)
    chains = await storage.of_account(connection, moment, question.account_id, organization_id, question.subject)
    return domain.decide(chains, question.level) or Decision(
        False, reason=await _why_no_chain(connection, moment, question.account_id, organization_id)
    )


async def _organization_id(connection: Connection, name: str) -> UUID | None:
    try:
        return UUID(name)
    except ValueError:
        kind, _, number = name.partition(":")
        found = await organizations.find(connection, kind, number)
        return found.organization_id if found else None


async def _why_no_chain(connection: Connection, moment: Moment, account_id: UUID, organization_id: UUID) -> str:
    if not await storage.has_profile(connection, moment, account_id):
        return "no_profile"
    others = await storage.of_account(connection, moment, account_id, organization_id, None)
    failing = domain.decide(others, "read")
    if failing is None:
        return "no_relation"
    return (
        "no_subject"
        if failing.allowed or failing.reason in ("delegable", "right", "firm_right")
        else str(failing.reason)
    )


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


async def note_view(work: Work[Tools], organization_id: UUID) -> None:
    """An agent opened an organization's list."""
    work.audit("file_viewed", organization_id=organization_id, object_id=organization_id)
