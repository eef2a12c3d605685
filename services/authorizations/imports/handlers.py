"""One line of an extract: an organization, its contacts, relations, delegations. What stands already is left alone."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from chassis.outcomes import Refusal
from chassis.work import Work
from contracts.agency.references import unknown_references
from contracts.authorizations import ContactAdded, OrganizationImported, Telephone
from contracts.imports import (
    ImportedContact,
    ImportedDelegation,
    ImportedOrganization,
    ImportedRepresentation,
    ImportedSubjects,
    OrganizationKey,
)
from services.authorizations.contacts import storage as contacts
from services.authorizations.contacts.state import publish_state
from services.authorizations.contacts.storage import Personal
from services.authorizations.organizations import handlers as organization_handlers
from services.authorizations.organizations import storage as organizations
from services.authorizations.periods import Period
from services.authorizations.relations import domain, storage
from services.authorizations.relations.domain import Grant
from services.authorizations.relations.handlers import grant_relation
from services.authorizations.relations.storage import NewRelation
from services.authorizations.statuses import set_status
from services.authorizations.tools import Tools


@dataclass(frozen=True)
class Imported:
    """What a line did: its organization, and whether anything changed."""

    organization_id: UUID
    changed: bool


async def import_organization(work: Work[Tools], line: ImportedOrganization) -> Imported | Refusal:
    """Bring in one line. Safe to repeat: a relation that started on the same day is never made twice, ended or not."""
    facts = line.organization
    if faults := list(unknown_references(line, work.tools.agency)):
        return _refused(faults)
    await organizations.lock_number(work.connection, facts.kind, facts.number)
    others = await _acted_for(work, line)
    if isinstance(others, Refusal):
        return others
    found = await organizations.find(work.connection, facts.kind, facts.number)
    organization_id = found.organization_id if found else work.new_id()
    if faults := await _loose_ends(work, organization_id, line, others):
        return _refused(faults)
    await organizations.lock(work.connection, [organization_id, *others.values()])
    work.take_time()
    changed = await _describe(work, organization_id, line, is_new=found is None)
    if changed:
        await organization_handlers.record(work, OrganizationImported, organization_id, kind=facts.kind)
        await organization_handlers.publish_state(work, organization_id)
    for contact in line.contacts:
        changed |= await _import_contact(work, organization_id, contact, facts.kind)
    for representation in line.relations:
        changed |= await _import_representation(
            work, organization_id, representation, others[representation.organization]
        )
    for delegation in line.delegations:
        changed |= await _import_delegation(work, organization_id, delegation, others[delegation.organization])
    if changed:
        work.audit("organization_imported", organization_id=organization_id, object_id=organization_id)
    return Imported(organization_id, changed)


def _refused(faults: Sequence[str]) -> Refusal:
    return Refusal("import_refused", {"faults": " ".join(faults)})


async def _loose_ends(
    work: Work[Tools], organization_id: UUID, line: ImportedOrganization, others: Mapping[OrganizationKey, UUID]
) -> list[str]:
    """Delegations whose contact, or whose firm's relation, stands neither on this line nor in the database."""
    held = {
        (r.organization_id, r.type) for r in await storage.held_by(work.connection, organization_id) if not r.ended_at
    }
    held |= {(others[relation.organization], relation.type) for relation in line.relations}
    members = {contact.client_number for contact in line.contacts}
    faults = []
    for delegation in line.delegations:
        number = delegation.client_number
        if number not in members and await contacts.find(work.connection, organization_id, number) is None:
            faults.append(f"The delegation names {number}, no contact of this organization.")
        if (others[delegation.organization], delegation.through) not in held:
            faults.append(f"The delegation of {number} goes through `{delegation.through}`, which is not held.")
    return faults


async def _acted_for(work: Work[Tools], line: ImportedOrganization) -> dict[OrganizationKey, UUID] | Refusal:
    found = {}
    for key in {relation.organization for relation in (*line.relations, *line.delegations)}:
        row = await organizations.find(work.connection, key.kind, key.number)
        if row is None:
            return _refused([f"The organization {key.kind}:{key.number} is not held."])
        found[key] = row.organization_id
    return found


async def _describe(work: Work[Tools], organization_id: UUID, line: ImportedOrganization, *, is_new: bool) -> bool:
    facts = line.organization
    if is_new:
        await organizations.add(work.connection, organization_id, facts.kind, facts.number)
    known = (await organizations.get(work.connection, [organization_id])).get(organization_id)
    told = (facts.legal_name, list(facts.trade_names), facts.email, facts.language)
    named = known is None or (known.legal_name, known.trade_names, known.email, known.language) != told
    if named:
        await organizations.name(
            work.connection, organization_id, facts.legal_name, facts.trade_names, facts.email, facts.language
        )
    active = facts.status == "active"
    if known is None or known.active != active:
        await set_status(work.connection, organization_id, active, work.now, work.now)
        return True
    return named


async def _import_contact(work: Work[Tools], organization_id: UUID, line: ImportedContact, kind: str) -> bool:
    known = await contacts.find(work.connection, organization_id, line.client_number)
    contact_id = known.contact_id if known else work.new_id()
    if known is None:
        telephones = [Telephone(kind=t.kind, number=t.number) for t in line.telephones]
        personal = Personal(line.family_name, line.given_name, line.email, telephones, line.language)
        await contacts.add(work.connection, contact_id, organization_id, line.client_number)
        await contacts.describe(work.connection, contact_id, personal)
        await organization_handlers.record(work, ContactAdded, organization_id, contact_id=contact_id)
    changed = known is None
    for membership in line.relations:
        new = NewRelation(
            work.new_id(), "contact", contact_id, organization_id, organization_id, membership.type,
            Period.of(membership.starts_on, membership.ends_on),
        )  # fmt: skip
        changed |= await _grant(work, new, membership.subjects, kind)
    if changed:
        await publish_state(work, contact_id)
    return changed


async def _import_representation(
    work: Work[Tools], holder_id: UUID, line: ImportedRepresentation, organization_id: UUID
) -> bool:
    new = NewRelation(
        work.new_id(), "organization", holder_id, holder_id, organization_id, line.type,
        Period.of(line.starts_on, line.ends_on),
    )  # fmt: skip
    return await _grant(work, new, line.subjects, line.organization.kind)


async def _import_delegation(work: Work[Tools], firm_id: UUID, line: ImportedDelegation, organization_id: UUID) -> bool:
    contact = await contacts.find(work.connection, firm_id, line.client_number)
    through = _standing(await storage.held_by(work.connection, firm_id), organization_id, line.through)
    memberships = await storage.held_by(work.connection, contact.contact_id) if contact else []
    membership = next((m for m in memberships if m.through is None and m.ended_at is None), None)
    if contact is None or through is None or membership is None:
        return False
    new = NewRelation(
        work.new_id(), "contact", contact.contact_id, firm_id, organization_id,
        work.tools.agency.delegation_type.code, Period.of(line.starts_on, line.ends_on),
        through.relation_id, membership.relation_id, all_rights=line.subjects == domain.ALL,
    )  # fmt: skip
    return await _grant(work, new, () if line.subjects == domain.ALL else line.subjects, line.organization.kind)


def _standing(relations: Iterable[storage.RelationRow], organization_id: UUID, type: str) -> storage.RelationRow | None:
    return next(
        (r for r in relations if r.organization_id == organization_id and r.type == type and r.ended_at is None), None
    )


async def _grant(work: Work[Tools], new: NewRelation, subjects: ImportedSubjects, kind: str) -> bool:
    if await _stood_before(work, new) or await storage.overlaps(work.connection, new):
        return False
    if subjects == domain.ALL:
        grants = [Grant(subject.code, "write") for subject in work.tools.agency.ceiling(kind, _day(work, new))]
    else:
        grants = [Grant(right.subject, right.level) for right in subjects]
    await grant_relation(work, new, grants)
    return True


async def _stood_before(work: Work[Tools], new: NewRelation) -> bool:
    return any(
        (r.organization_id, r.type, r.through, r.period.starts_on)
        == (new.organization_id, new.type, new.through, new.period.starts_on)
        for r in await storage.held_by(work.connection, new.holder_id)
    )


def _day(work: Work[Tools], new: NewRelation) -> date:
    return max(new.period.starts_on, work.today)
