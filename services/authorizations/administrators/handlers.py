"""Appointing and releasing who manages an organization: any number, and those who manage never leave none."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from chassis.outcomes import Refusal
from chassis.work import Work
from contracts.agency.managing import Act, Administrators
from contracts.events import Language
from services.authorizations.access.domain import AsAgent, AsProfile
from services.authorizations.access.handlers import permitted
from services.authorizations.blocked import keeps_out
from services.authorizations.contacts import storage as contacts
from services.authorizations.contacts.domain import ContactFile
from services.authorizations.contacts.state import publish_state
from services.authorizations.mailing import rights_told
from services.authorizations.managing.began import grant_membership
from services.authorizations.managing.domain import Because, Ending
from services.authorizations.managing.ended import withdraw_held
from services.authorizations.managing.questions import offices, refuse_last_manager, refuse_ousting
from services.authorizations.organizations import storage as organizations
from services.authorizations.periods import Period
from services.authorizations.reasons import refuse_reason
from services.authorizations.relations import domain as rules
from services.authorizations.relations import storage as relations
from services.authorizations.relations.domain import Grant, NewRelation
from services.authorizations.tools import Tools


@dataclass(frozen=True)
class Appoint:
    """A contact of the organization shall manage it, and may be given subjects with that."""

    by: AsProfile | AsAgent
    organization_id: UUID
    contact_id: UUID
    grants: Sequence[Grant]
    reason: str | None
    language: Language


@dataclass(frozen=True)
class Release:
    """A contact shall manage the organization no more."""

    by: AsProfile | AsAgent
    organization_id: UUID
    contact_id: UUID
    reason: str | None


async def appoint(work: Work[Tools], command: Appoint) -> UUID | Refusal:
    """Let a contact manage the organization from today on, beside those who do. Returns the relation's id."""
    found = await begin(work, command.by, command.organization_id, command.contact_id, "appointment", command.reason)
    if isinstance(found, Refusal):
        return found
    rule, person = found
    if refusal := await refuse_office(work, person, rule, command.grants, command.language):
        return refusal
    return await give_office(work, person, rule, command.grants, command.reason)


async def release(work: Work[Tools], command: Release) -> UUID | Refusal:
    """End whatever lets a contact manage the organization; what else it holds stays. Returns the contact's id.

    Those who manage it never leave it without anybody; an agent may, and from then on agents decide.
    """
    found = await begin(work, command.by, command.organization_id, command.contact_id, "release", command.reason)
    if isinstance(found, Refusal):
        return found
    _, person = found
    held = await offices(work, person.contact_id)
    if not held:
        return Refusal("manages_nothing", fields=("contact_id",))
    going = dict.fromkeys(relation.relation_id for relation in held)
    if refusal := await refuse_ousting(work, command.by, command.organization_id, going, "contact_id"):
        return refusal
    if isinstance(command.by, AsProfile) and (
        refusal := await refuse_last_manager(work, command.organization_id, going, work.today, "contact_id")
    ):
        return refusal
    await withdraw_held(work, person.contact_id, held, Ending(command.reason))
    await publish_state(work, person.contact_id)
    return person.contact_id


async def begin(
    work: Work[Tools],
    by: AsProfile | AsAgent,
    organization_id: UUID,
    contact_id: UUID,
    act: Act,
    reason: str | None,
    files: Collection[UUID] = (),
) -> tuple[Administrators, ContactFile] | Refusal:
    """Lock the organization; who asks may do this to that contact of it, for such a reason: the rule, and the file.

    `files` are organizations whose files change with it.
    """
    await organizations.lock(work.connection, [organization_id, *files])
    work.take_time(after=await relations.last_recorded(work.connection, contact_id))
    if refusal := await permitted(work, by, organization_id):
        return refusal
    rule = work.tools.agency.managing.administrators
    if rule is None:
        return Refusal("not_offered")
    person = await contacts.get_present(work.connection, contact_id)
    if person is None or person.organization_id != organization_id:
        return Refusal("not_found", fields=("contact_id",))
    return refuse_reason(work, act, reason) or (rule, person)


async def refuse_office(
    work: Work[Tools],
    person: ContactFile,
    rule: Administrators,
    grants: Sequence[Grant],
    language: Language,
    *,
    lifting: Collection[UUID] = (),
) -> Refusal | None:
    """Why somebody cannot be made to manage the organization, which is locked; `lifting` are blocks about to end."""
    organization_id, agency, today = person.organization_id, work.tools.agency, work.today
    if await keeps_out(work.connection, organization_id, person.contact_id, lifting):
        return Refusal("contact_blocked", fields=("contact_id",))
    kind = (await organizations.one(work.connection, organization_id)).kind
    refusal = rules.refuse_membership_type(agency, rule.type, kind, today) or rules.refuse_subjects(
        agency, kind, grants, today, language, delegated=False
    )
    if refusal is None and await relations.overlaps(work.connection, _office(work, person, rule)):
        return Refusal("already_held", fields=("contact_id",))
    return refusal


async def give_office(
    work: Work[Tools],
    person: ContactFile,
    rule: Administrators,
    grants: Sequence[Grant],
    reason: str | None,
    *,
    besides: Collection[UUID] = (),
) -> UUID:
    """Make somebody manage the organization, whom nothing refuses it, and tell of it. Returns the relation's id.

    Others are told but those `besides`, whom the same act tells more.
    """
    new = _office(work, person, rule)
    await grant_membership(work, new, grants, Because(reason=reason, besides=frozenset(besides)))
    await publish_state(work, person.contact_id)
    await rights_told.tell_given(work, person.contact_id, grants, new.period)
    return new.relation_id


def _office(work: Work[Tools], person: ContactFile, rule: Administrators) -> NewRelation:
    home = person.organization_id
    return NewRelation(work.new_id(), "contact", person.contact_id, home, home, rule.type, Period(work.today))
