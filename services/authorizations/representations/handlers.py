"""One organization lets another act for it, or asks to; ends it, or asks for the end."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from chassis.limits import refuse_beyond
from chassis.outcomes import Done, Made, Pending, Refusal
from chassis.work import Work
from contracts.agency.limits import LimitName
from contracts.events import Language
from contracts.imports import OrganizationKey
from services.authorizations.access.domain import Acting, AsProfile
from services.authorizations.access.handlers import may_manage
from services.authorizations.attestations.domain import Ticked
from services.authorizations.attestations.handlers import keep_attestations
from services.authorizations.managing.domain import Ending
from services.authorizations.managing.ended import withdraw_representation, withdraw_rights
from services.authorizations.organizations import storage as organizations
from services.authorizations.periods import Period
from services.authorizations.relations import domain as rules
from services.authorizations.relations import storage as relations
from services.authorizations.relations.domain import Grant, NewRelation, Relation
from services.authorizations.relations.recording import grant_relation
from services.authorizations.representations import domain, storage
from services.authorizations.representations.domain import AskedEnd
from services.authorizations.requests.domain import AskedGrants
from services.authorizations.requests.submitting import Ask, submit
from services.authorizations.tools import Tools


@dataclass(frozen=True)
class Relate:
    """A relation between the organization whose profile asks and another, which is named by its number."""

    by: AsProfile
    organization_id: UUID
    other: OrganizationKey
    type: str
    period: Period
    grants: Sequence[Grant]
    ticked: Sequence[Ticked]
    language: Language


@dataclass(frozen=True)
class EndRelation:
    """The end of a relation, or with `subjects` of these rights alone."""

    by: AsProfile
    relation_id: UUID
    subjects: Sequence[str]
    ticked: Sequence[Ticked]


async def relate(work: Work[Tools], command: Relate) -> Made | Refusal:
    """From the organization acted for it takes effect; from the holder it is a request."""
    own = (await organizations.get(work.connection, [command.organization_id])).get(command.organization_id)
    if own is None:
        return Refusal("not_found")
    stands = domain.standing(work.tools.agency, command.type, own.kind, command.other.kind, work.today)
    other = None
    if stands == "acted_for":
        other = await organizations.find(work.connection, command.other.kind, command.other.number)
    await organizations.lock(work.connection, [own.organization_id, *([other.organization_id] if other else [])])
    work.take_time()
    acting = await may_manage(work, command.by, own.organization_id)
    if isinstance(acting, Refusal):
        return acting
    if isinstance(stands, Refusal):
        return stands
    acted_for_kind = own.kind if stands == "acted_for" else command.other.kind
    refusal = rules.refuse_period(command.period, work.today) or rules.refuse_subjects(
        work.tools.agency, acted_for_kind, command.grants, work.today, command.language, delegated=False
    )
    if refusal:
        return refusal
    if stands == "holder":
        return await _propose(work, command, acting)
    if refusal := await _spend(work, own.organization_id):
        return refusal
    if other is None or not other.active:
        return Refusal("unknown_organization", fields=("other",))
    return await _grant(work, command, acting, other.organization_id)


async def _grant(work: Work[Tools], command: Relate, acting: Acting, holder_id: UUID) -> Made | Refusal:
    new = NewRelation(
        work.new_id(), "organization", holder_id, holder_id, acting.organization_id, command.type, command.period
    )
    if await relations.overlaps(work.connection, new):
        return Refusal("already_held")
    if refusal := await keep_attestations(work, command.by, new.relation_id, "representation", command.ticked):
        return refusal
    await grant_relation(work, new, command.grants)
    for organization_id in (acting.organization_id, holder_id):
        work.audit("relation_added", organization_id=organization_id, object_id=new.relation_id, holder=str(holder_id))
    return Done(new.relation_id)


async def _propose(work: Work[Tools], command: Relate, acting: Acting) -> Made | Refusal:
    """The other organization is not looked for here, so that its number cannot be guessed from what this takes."""
    own_id, other = acting.organization_id, command.other
    if await storage.is_held(work.connection, own_id, other, command.type, command.period):
        return Refusal("already_held")
    if await storage.has_open_proposal(work.connection, own_id, other, command.type, work.today):
        return Refusal("request_pending")
    if refusal := await _spend(work, own_id) or await _spend_on_pair(work, own_id, other):
        return refusal
    asked = AskedGrants(
        type=command.type,
        starts_on=command.period.starts_on,
        ends_on=command.period.ends_on,
        grants=AskedGrants.rights(command.grants),
    )
    request_id = work.new_id()
    if refusal := await keep_attestations(work, command.by, request_id, "representation", command.ticked):
        return refusal
    return Pending(await submit(work, Ask(request_id, "proposed_relation", asked, acting, other=other)))


async def _spend(work: Work[Tools], organization_id: UUID) -> Refusal | None:
    return await _count(work, "relations_per_organization", organization_id.bytes)


async def _spend_on_pair(work: Work[Tools], asking_id: UUID, other: OrganizationKey) -> Refusal | None:
    """Count what one asks of the other, whoever has the number: asked and withdrawn in turns, each time by mails."""
    pair = hashlib.sha256(asking_id.bytes + f"{other.kind}:{other.number}".encode()).digest()
    return await _count(work, "requests_per_pair", pair)


async def _count(work: Work[Tools], name: LimitName, key: bytes) -> Refusal | None:
    return await refuse_beyond(work.connection, name, key, work.tools.agency.limits.attempts[name], work.now)


async def end_relation(work: Work[Tools], command: EndRelation) -> Made | Refusal:
    """From the organization acted for it takes effect; from the holder it is a request."""
    relation = await _locked(work, command.relation_id)
    if relation is None:
        return Refusal("not_found")
    acting = await _may_manage_either(work, command.by, relation)
    if isinstance(acting, Refusal):
        return acting
    if relation.is_over(work.today):
        return Refusal("nothing_to_remove")
    if acting.organization_id == relation.organization_id:
        return await _end(work, command, relation)
    return await _propose_end(work, command, acting, relation)


async def _end(work: Work[Tools], command: EndRelation, relation: Relation) -> Made | Refusal:
    rights = await relations.rights_of(work.connection, relation.relation_id, command.subjects)
    if command.subjects and not rights:
        return Refusal("nothing_to_remove", fields=("subjects",))
    if refusal := await keep_attestations(work, command.by, relation.relation_id, "representation_end", command.ticked):
        return refusal
    if command.subjects:
        await withdraw_rights(work, [(relation, right) for right in rights], Ending())
        _audit(work, "rights_removed", relation)
    else:
        await end_at_once(work, relation, Ending())
    return Done(relation.relation_id)


async def end_at_once(work: Work[Tools], relation: Relation, ending: Ending) -> None:
    """Withdraw a relation, in both organizations' files."""
    await withdraw_representation(work, relation, ending)
    _audit(work, "relation_removed", relation)


async def _propose_end(work: Work[Tools], command: EndRelation, acting: Acting, relation: Relation) -> Made | Refusal:
    if command.subjects:
        return Refusal("not_permitted", fields=("subjects",))
    if await storage.has_open_end(work.connection, relation.relation_id, work.today):
        return Refusal("request_pending")
    acted_for = await organizations.one(work.connection, relation.organization_id)
    other = OrganizationKey(kind=acted_for.kind, number=acted_for.number)
    if refusal := await _spend(work, acting.organization_id) or await _spend_on_pair(
        work, acting.organization_id, other
    ):
        return refusal
    request_id = work.new_id()
    if refusal := await keep_attestations(work, command.by, request_id, "representation_end", command.ticked):
        return refusal
    asked = AskedEnd(relation_id=relation.relation_id)
    ask = Ask(request_id, "proposed_end", asked, acting, organization_id=relation.organization_id)
    return Pending(await submit(work, ask))


async def _locked(work: Work[Tools], relation_id: UUID) -> Relation | None:
    """A relation between two organizations, both locked."""
    seen = await _representation(work, relation_id)
    if seen is None:
        return None
    await organizations.lock(work.connection, [seen.organization_id, seen.holder_id])
    found = await _representation(work, relation_id)
    assert found is not None
    work.take_time(after=found.recorded_at)
    return found


async def _representation(work: Work[Tools], relation_id: UUID) -> Relation | None:
    found = await relations.get(work.connection, [relation_id])
    return next((relation for relation in found if relation.holder_kind == "organization"), None)


async def _may_manage_either(work: Work[Tools], by: AsProfile, relation: Relation) -> Acting | Refusal:
    acting = await may_manage(work, by, relation.organization_id)
    if isinstance(acting, Refusal) and acting.code == "not_found":
        return await may_manage(work, by, relation.holder_id)
    return acting


def _audit(work: Work[Tools], action: str, relation: Relation) -> None:
    for organization_id in (relation.organization_id, relation.holder_id):
        work.audit(action, organization_id=organization_id, object_id=relation.relation_id)
