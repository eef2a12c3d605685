"""Granting and delegating."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from chassis.outcomes import Refusal
from chassis.work import Work
from contracts.events import Language
from services.authorizations.access import storage as access
from services.authorizations.access.domain import Acting, AsProfile, Moment
from services.authorizations.access.handlers import may_manage
from services.authorizations.attachments.handlers import attach, refuse_attachments
from services.authorizations.attestations.domain import Ticked
from services.authorizations.attestations.handlers import keep_attestations
from services.authorizations.contacts import storage as contacts
from services.authorizations.contacts.state import publish_state
from services.authorizations.mailing import rights_told
from services.authorizations.managing.began import grant_membership
from services.authorizations.managing.domain import Because
from services.authorizations.organizations import storage as organizations
from services.authorizations.periods import Period
from services.authorizations.relations import domain
from services.authorizations.relations import storage as relations
from services.authorizations.relations.domain import ActedFor, Grant, NewRelation, Relation
from services.authorizations.relations.recording import grant_relation
from services.authorizations.tools import Tools


@dataclass(frozen=True)
class AddRelation:
    """A relation for a contact that exists: to its own organization, or through its firm's relation to another.

    `through` is the firm's relation, by its id; with it `grants` may be "all": whatever the firm's relation carries.
    """

    by: AsProfile
    contact_id: UUID
    organization_id: UUID
    through: UUID | None
    type: str | None
    period: Period
    grants: Sequence[Grant] | Literal["all"]
    ticked: Sequence[Ticked]
    language: Language
    acted_for: ActedFor | None = None
    attachments: Sequence[UUID] = ()


async def add_relation(work: Work[Tools], command: AddRelation) -> UUID | Refusal:
    """Add a membership of the own organization, or delegate a client's authorizations. Returns the relation's id."""
    home = await _home_of(work, command.contact_id)
    await organizations.lock(work.connection, [command.organization_id, *([home] if home else [])])
    work.take_time()
    acting = await may_manage(work, command.by, home)
    if isinstance(acting, Refusal):
        return acting
    if await contacts.get_present(work.connection, command.contact_id) is None:
        return Refusal("not_found")
    if refusal := domain.refuse_period(command.period, work.today):
        return refusal
    new = await (_delegation(work, command, acting) if command.through else _membership(work, command, acting))
    if isinstance(new, Refusal):
        return new
    if await relations.overlaps(work.connection, new):
        return Refusal("already_held")
    if refusal := await refuse_attachments(work, command.by, "addition", command.attachments):
        return refusal
    if refusal := await keep_attestations(work, command.by, new.relation_id, "addition", command.ticked):
        return refusal
    await attach(work, new.relation_id, command.attachments)
    if new.through is None:
        await grant_membership(work, new, list[Grant]() if command.grants == domain.ALL else command.grants, Because())
    else:
        await grant_relation(work, new, () if command.grants == domain.ALL else command.grants)
    await publish_state(work, command.contact_id)
    if new.through is None and command.grants != domain.ALL:
        await rights_told.tell_given(work, command.contact_id, command.grants, new.period)
    for organization_id in {new.organization_id, new.holder_organization_id}:
        work.audit(
            "relation_added", organization_id=organization_id, object_id=new.relation_id, holder=str(new.holder_id)
        )
    return new.relation_id


async def _home_of(work: Work[Tools], contact_id: UUID) -> UUID | None:
    contact = await contacts.get(work.connection, contact_id)
    return contact.organization_id if contact else None


async def _membership(work: Work[Tools], command: AddRelation, acting: Acting) -> NewRelation | Refusal:
    agency, day = work.tools.agency, work.today
    if command.organization_id != acting.organization_id:
        return Refusal("no_relation_to_delegate", fields=("organization_id", "through"))
    if command.grants == domain.ALL or command.type is None:
        return Refusal("invalid_request", fields=("subjects", "type"))
    kind = (await organizations.one(work.connection, acting.organization_id)).kind
    refusal = (
        domain.refuse_acted_for(agency, command.acted_for, kind, own=True)
        or domain.refuse_membership_type(agency, command.type, kind, day)
        or domain.refuse_subjects(agency, kind, command.grants, day, command.language, delegated=False)
    )
    return refusal or NewRelation(
        work.new_id(), "contact", command.contact_id, acting.organization_id, acting.organization_id,
        command.type, command.period,
    )  # fmt: skip


async def _delegation(work: Work[Tools], command: AddRelation, acting: Acting) -> NewRelation | Refusal:
    agency, first_day = work.tools.agency, command.period.starts_on
    delegation = agency.delegation_type
    assert command.through is not None
    through = next(iter(await relations.get(work.connection, [command.through])), None)
    if (
        through is None
        or delegation is None
        or through.holder_id != acting.organization_id
        or through.organization_id != command.organization_id
        or not _covers(through, work, command.period)
    ):
        return Refusal("no_relation_to_delegate", fields=("organization_id", "through"))
    if command.type not in (None, delegation.code):
        return Refusal("unknown_relation_type", {"type": command.type}, ("type",))
    held_by_contact = await relations.memberships_of(work.connection, command.contact_id)
    memberships = [membership for membership in held_by_contact if _covers(membership, work, command.period)]
    if not memberships:
        return Refusal("not_a_member", fields=("starts_on",))
    kind = (await organizations.one(work.connection, command.organization_id)).kind
    if refusal := domain.refuse_acted_for(agency, command.acted_for, kind, own=False):
        return refusal
    if command.grants != domain.ALL:
        moment = Moment(work.now, max(first_day, work.today), work.tools.delegable)
        held = await access.held_by_relation(work.connection, moment, through.relation_id)
        refusal = domain.refuse_subjects(
            agency, kind, command.grants, work.today, command.language, delegated=True
        ) or domain.refuse_wider(agency, command.grants, held, command.language)
        if refusal:
            return refusal
    longest = max(memberships, key=lambda m: (m.period.ends_on is None, m.period.ends_on or first_day))
    return NewRelation(
        work.new_id(), "contact", command.contact_id, acting.organization_id, command.organization_id,
        delegation.code, command.period, through.relation_id, longest.relation_id,
        all_rights=command.grants == domain.ALL,
    )  # fmt: skip


def _covers(relation: Relation, work: Work[Tools], period: Period) -> bool:
    """Whether a relation is in force when the period starts, or now where it has started already."""
    return relation.in_force(work.now, max(period.starts_on, work.today))
