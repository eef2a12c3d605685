"""Who manages an organization, for those who write to them, wait for them, or would take one away."""

from collections.abc import Collection, Mapping
from datetime import date, timedelta
from uuid import UUID

from chassis.outcomes import Next, Refusal
from chassis.work import Work
from services.authorizations.access.domain import AsAgent, AsProfile
from services.authorizations.contacts import storage as contacts
from services.authorizations.contacts.domain import ContactFile
from services.authorizations.managing import domain, storage
from services.authorizations.periods import Period
from services.authorizations.relations import storage as relations
from services.authorizations.relations.domain import Relation
from services.authorizations.tools import Tools


async def who_can_act(work: Work[Tools], organization_id: UUID) -> list[ContactFile]:
    """Those who can act for an organization at this moment: who decide its requests, and are told of its matters."""
    acting = await storage.acting(work.connection, work.now, work.today, work.tools.managing_types, organization_id)
    return await contacts.get_all(work.connection, set(acting.values())) if acting else []


async def somebody_can_act(work: Work[Tools], organization_id: UUID) -> bool:
    """Whether anybody can act for an organization at this moment; where nobody can, agents decide."""
    return await storage.somebody_can_act(
        work.connection, work.now, work.today, work.tools.managing_types, organization_id
    )


async def agency_put_somebody(work: Work[Tools], organization_id: UUID) -> bool:
    """Whether anybody whom an agent put there, or an import brought, can act for an organization at this moment."""
    types = work.tools.managing_types
    return await storage.agency_put_somebody(work.connection, work.now, work.today, types, organization_id)


async def who_manage(work: Work[Tools], organization_id: UUID) -> list[ContactFile]:
    """Those who manage an organization, linked or not, for what they should know: but not whom it keeps out.

    Nor whoever closed the account.
    """
    held = await storage.who_manage(work.connection, work.now, work.today, work.tools.managing_types, organization_id)
    return await contacts.get_all(work.connection, held) if held else []


async def is_managed(work: Work[Tools], organization_id: UUID) -> bool:
    """Whether anybody at all manages an organization, linked or not: only where nobody does can there be a first."""
    return await storage.is_managed(work.connection, work.now, work.today, work.tools.managing_types, organization_id)


async def who_ever_managed(work: Work[Tools], organization_id: UUID) -> list[ContactFile]:
    """Those who have managed an organization, do, or shall: for a warning that nobody may be able to keep from them."""
    held = await storage.who_ever_managed(work.connection, organization_id, work.tools.managing_types)
    return await contacts.get_all(work.connection, held)


async def contests(work: Work[Tools], organization_id: UUID, claim_id: UUID) -> bool:
    """Whether a claim may be better than that of the first administrator, who may be a stranger: then agents decide.

    A code was typed, within the contest window, and the agency has put nobody there since. Right or wrong: the first
    one can have a code renewed or locked that somebody holds on paper, and who asks learns nothing by who decides.
    """
    rule = work.tools.agency.managing.administrators
    if rule is None:
        return False
    since = work.now - timedelta(days=rule.contest_days)
    types = work.tools.managing_types
    return await storage.contests(work.connection, work.now, work.today, types, organization_id, claim_id, since)


async def offices(work: Work[Tools], contact_id: UUID) -> list[Relation]:
    """The memberships by which a contact manages its organization, now or later."""
    held = await relations.memberships_of(work.connection, contact_id)
    return [
        relation for relation in held if relation.type in work.tools.managing_types and not relation.is_over(work.today)
    ]


async def refuse_ousting(
    work: Work[Tools], by: AsProfile | AsAgent, organization_id: UUID, going: Collection[UUID], *fields: str
) -> Refusal | None:
    """Refuse to end relations by which the agency put somebody there, unless it put there whoever would end them too.

    Until the contest window of the first administrator is over, who may be a stranger; agents may.
    """
    rule, profile = work.tools.agency.managing.administrators, work.tools.agency.profile
    if isinstance(by, AsAgent) or rule is None:
        return None
    since, types = work.now - timedelta(days=rule.contest_days), work.tools.managing_types
    if not await storage.came_by_claim(work.connection, organization_id, since):
        return None
    if not await storage.ousts(work.connection, work.now, work.today, types, organization_id, by.contact_id, going):
        return None
    return Refusal("put_by_agency", {"days": rule.contest_days, "support": profile.support_email}, fields=fields)


async def refuse_last_manager(
    work: Work[Tools], organization_id: UUID, becoming: Mapping[UUID, Period | None], day: date, *fields: str
) -> Refusal | None:
    """Refuse what leaves nobody who can act on the day, as far as is planned; `becoming` as `leaves_nobody` has it."""
    acting = await storage.acting(work.connection, work.now, day, work.tools.managing_types, organization_id)
    if not domain.leaves_nobody(acting.keys(), becoming, day):
        return None
    successors = f"/v1/organizations/{organization_id}/contacts"
    return Refusal("last_manager", fields=fields, next=Next("name_successor", successors))
