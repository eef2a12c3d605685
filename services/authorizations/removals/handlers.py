"""Withdrawing relations or rights of a contact: what a preview shows, and the removal."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from chassis import pages
from chassis.outcomes import Refusal
from chassis.work import Work
from services.authorizations.access.domain import Acting, AsProfile
from services.authorizations.access.handlers import may_manage
from services.authorizations.attachments.handlers import attach, refuse_attachments
from services.authorizations.attestations.domain import Ticked
from services.authorizations.attestations.handlers import keep_attestations
from services.authorizations.contacts import storage as contacts
from services.authorizations.contacts.state import publish_state
from services.authorizations.managing.domain import Ending
from services.authorizations.managing.ended import withdraw_held, withdraw_rights
from services.authorizations.managing.questions import refuse_last_manager, refuse_ousting
from services.authorizations.organizations import storage as organizations
from services.authorizations.relations import storage as relations
from services.authorizations.relations.domain import HeldRight, Relation
from services.authorizations.removals import storage
from services.authorizations.removals.leaving import tell_clients
from services.authorizations.tools import Tools


@dataclass(frozen=True)
class Chosen:
    """What of a contact is to be withdrawn: every membership, some relations, or some subjects of relations."""

    contact_id: UUID
    scope: Literal["all", "relations", "subjects"]
    relations: Sequence[UUID]
    subjects: Sequence[tuple[UUID, str]]

    @property
    def named(self) -> set[UUID]:
        """The relations that are named, whoever holds them."""
        return {*self.relations, *(relation_id for relation_id, _ in self.subjects)}


@dataclass(frozen=True, kw_only=True)
class Preview(Chosen):
    """A page of what would be lost."""

    by: AsProfile
    cursor: str | None
    limit: int


@dataclass(frozen=True, kw_only=True)
class Remove(Chosen):
    """The removal itself."""

    by: AsProfile
    ticked: Sequence[Ticked]
    attachments: Sequence[UUID] = ()


@dataclass(frozen=True)
class Removed:
    """The relations and rights that are withdrawn, and how many delegations end with them."""

    relations: Sequence[UUID]
    rights: Sequence[UUID]
    delegations: int


@dataclass(frozen=True)
class Previewed:
    """What the removal would do, and a page of what the contact could do no more."""

    removed: Removed
    lost: pages.Page


@dataclass(frozen=True)
class Plan:
    """What is to be withdrawn, by whom; `leaves`: with it the contact's last membership goes."""

    acting: Acting
    relations: Sequence[Relation]
    rights: Sequence[tuple[Relation, HeldRight]]
    leaves: bool
    removed: Removed

    @property
    def concerned(self) -> list[Relation]:
        """The relations that change."""
        return [*self.relations, *(relation for relation, _ in self.rights)]


async def preview(work: Work[Tools], command: Preview) -> Previewed | Refusal:
    """What the contact would lose, exactly as the next checks would say no to it. Nothing is locked or changed."""
    plan = await _plan(work, command.by, command, await _home_of(work, command))
    if isinstance(plan, Refusal):
        return plan
    concerned = {relation.relation_id for relation in plan.concerned}
    listing = storage.losses(
        work.tools.moment(work.now), command.contact_id, plan.removed.relations, plan.removed.rights, concerned
    )
    page = await pages.fetch(work.connection, listing, command.cursor, command.limit)
    return page if isinstance(page, Refusal) else Previewed(plan.removed, page)


async def remove(work: Work[Tools], command: Remove) -> Removed | Refusal:
    """Withdraw relations or rights of a contact at once. Whatever hangs on them ends with them, and history stays."""
    home = await _home_of(work, command)
    await organizations.lock(work.connection, await _files(work, command, home))
    work.take_time(after=await relations.last_recorded(work.connection, command.contact_id, command.named))
    plan = await _plan(work, command.by, command, home)
    if isinstance(plan, Refusal):
        return plan
    if refusal := await refuse_attachments(work, command.by, "removal", command.attachments):
        return refusal
    if refusal := await keep_attestations(work, command.by, command.contact_id, "removal", command.ticked):
        return refusal
    await attach(work, command.contact_id, command.attachments)
    # A removal is of relations or of rights, never of both: so the person is told once.
    await withdraw_held(work, command.contact_id, plan.relations, Ending())
    await withdraw_rights(work, plan.rights, Ending())
    await publish_state(work, command.contact_id)
    if plan.leaves:
        await tell_clients(work, command.contact_id, plan.acting.organization_id)
    for organization_id in {plan.acting.organization_id, *(relation.organization_id for relation in plan.concerned)}:
        work.audit(
            "relations_removed", organization_id=organization_id, object_id=command.contact_id, scope=command.scope,
            relations=[str(relation_id) for relation_id in plan.removed.relations],
            rights=[str(right_id) for right_id in plan.removed.rights],
        )  # fmt: skip
    return plan.removed


async def _home_of(work: Work[Tools], chosen: Chosen) -> UUID | None:
    contact = await contacts.get(work.connection, chosen.contact_id)
    return contact.organization_id if contact else None


async def _files(work: Work[Tools], chosen: Chosen, home: UUID | None) -> set[UUID]:
    """The organizations whose files change: the contact's own, and those acted for by the relations that are named."""
    return {relation.organization_id for relation in await _named(work, chosen)} | ({home} if home else set())


async def _named(work: Work[Tools], chosen: Chosen) -> list[Relation]:
    """The contact's relations that are named, ended ones too."""
    found = await relations.get(work.connection, chosen.named) if chosen.named else []
    own = [relation for relation in found if relation.holder_id == chosen.contact_id]
    return sorted(own, key=lambda relation: relation.relation_id)


async def _plan(work: Work[Tools], by: AsProfile, chosen: Chosen, home: UUID | None) -> Plan | Refusal:
    acting = await may_manage(work, by, home)
    if isinstance(acting, Refusal):
        return acting
    held = await relations.memberships_of(work.connection, chosen.contact_id)
    memberships = [membership for membership in held if not membership.is_over(work.today)]
    # Ending the memberships ends whatever is delegated through them: it hangs on them.
    ending = memberships if chosen.scope == "all" else await _chosen_relations(work, chosen)
    rights = await _chosen_rights(work, chosen)
    if isinstance(rights, Refusal):
        return rights
    if not ending and not rights:
        return Refusal("nothing_to_remove", fields=("scope", "relations", "subjects"))
    going = dict.fromkeys(relation.relation_id for relation in ending)
    if refusal := await refuse_ousting(work, by, acting.organization_id, going):
        return refusal
    if refusal := await refuse_last_manager(work, acting.organization_id, going, work.today):
        return refusal
    relation_ids = sorted(going)
    hanging = await storage.delegations(work.connection, relation_ids, chosen.contact_id, work.today)
    leaves = bool(memberships) and all(membership.relation_id in going for membership in memberships)
    removed = Removed(relation_ids, sorted(right.right_id for _, right in rights), hanging)
    return Plan(acting, ending, rights, leaves, removed)


async def _chosen_relations(work: Work[Tools], chosen: Chosen) -> list[Relation]:
    if chosen.scope != "relations":
        return []
    named = [relation for relation in await _named(work, chosen) if relation.relation_id in chosen.relations]
    return [relation for relation in named if not relation.is_over(work.today)]


async def _chosen_rights(work: Work[Tools], chosen: Chosen) -> list[tuple[Relation, HeldRight]] | Refusal:
    if chosen.scope != "subjects":
        return []
    rights = list[tuple[Relation, HeldRight]]()
    for relation in await _named(work, chosen):
        wanted = {subject for relation_id, subject in chosen.subjects if relation_id == relation.relation_id}
        if not wanted or relation.is_over(work.today):
            continue
        if relation.all_rights:
            return Refusal("all_subjects_delegated", fields=("subjects",))
        held = await relations.rights_of(work.connection, relation.relation_id, wanted)
        rights += [(relation, right) for right in held]
    return rights
