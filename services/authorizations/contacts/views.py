"""A contact's file as it is shown over HTTP, with what the contact holds."""

from collections.abc import Mapping
from datetime import date, datetime
from itertools import groupby
from uuid import UUID

from pydantic import BaseModel

from chassis.gateway import Call
from contracts.authorizations import Telephone
from contracts.events import Language, Level
from contracts.problems import word
from services.authorizations.access.domain import Entitlement
from services.authorizations.actors import ActorView, actor
from services.authorizations.answers import OrganizationView, last_day
from services.authorizations.contacts.handlers import OpenedContact
from services.authorizations.personal.domain import PersonName
from services.authorizations.relations.domain import FiledRelation, Granted
from services.authorizations.tools import Tools


class GrantedView(BaseModel):
    """How a right came about: when, by whom, and by which request, if it was asked for."""

    at: datetime
    by: ActorView
    request_id: UUID | None


class HeldRightView(BaseModel):
    """A right of a relation. The days are those that both share, absent where there is none.

    `granted` is for those who manage the contact's organization, and agents.
    """

    right_id: UUID
    subject: str
    subject_name: str
    level: Level
    level_name: str
    starts_on: date | None
    ends_on: date | None
    active: bool
    granted: GrantedView | None


class HeldRelationView(BaseModel):
    """A relation of the contact: what it is called in lists, to which organization, and whether it is in force.

    With `all_subjects` it carries whatever its firm's relation does, and has no `rights` of its own.
    """

    relation_id: UUID
    type: str
    function: str
    organization: OrganizationView
    through: UUID | None
    membership: UUID | None
    all_subjects: bool
    rights: list[HeldRightView]
    starts_on: date
    ends_on: date
    ended_at: datetime | None
    active: bool


class ContactView(BaseModel):
    """One contact, opened."""

    contact_id: UUID
    organization_id: UUID
    client_number: str
    family_name: str
    given_name: str
    email: str | None
    telephones: list[Telephone]
    language: Language
    linked: bool
    active: bool
    relations: list[HeldRelationView]


def view(call: Call[Tools], opened: OpenedContact) -> ContactView:
    """A contact, opened."""
    contact = opened.contact
    rights = {key: list(some) for key, some in groupby(opened.rights, key=lambda chain: chain.relation_id)}
    shown = {right_id: _granted(call, how, opened.granters) for right_id, how in opened.granted.items()}
    views = [_held(call, held, rights.get(held.relation_id, []), shown) for held in opened.relations]
    return ContactView(
        contact_id=contact.contact_id,
        organization_id=contact.organization_id,
        client_number=contact.client_number,
        family_name=contact.family_name,
        given_name=contact.given_name,
        email=contact.email,
        telephones=list(contact.telephones),
        language=contact.language,
        linked=contact.linked,
        active=any(view.active and view.through is None for view in views),
        relations=views,
    )


def _granted(call: Call[Tools], how: Granted, granters: Mapping[UUID, PersonName]) -> GrantedView:
    by = actor(how.by, granters, call.language, shows_ids=call.actor.kind == "agent")
    return GrantedView(at=how.at, by=by, request_id=how.request_id)


def _held(
    call: Call[Tools], held: FiledRelation, rights: list[Entitlement], granted: Mapping[UUID, GrantedView]
) -> HeldRelationView:
    return HeldRelationView(
        relation_id=held.relation_id,
        type=held.type,
        function=call.tools.relation_type(held.function).name.in_(call.language),
        organization=OrganizationView(organization_id=held.organization_id, name=held.organization_name),
        through=held.through,
        membership=held.membership,
        all_subjects=held.all_rights,
        rights=[_right(call, chain, granted.get(chain.right_id)) for chain in rights],
        starts_on=held.period.starts_on,
        ends_on=last_day(held.period),
        ended_at=held.ended_at,
        active=held.active,
    )


def _right(call: Call[Tools], chain: Entitlement, granted: GrantedView | None) -> HeldRightView:
    return HeldRightView(
        right_id=chain.right_id,
        subject=chain.subject,
        subject_name=call.tools.agency.subjects[chain.subject].name.in_(call.language),
        level=chain.level,
        level_name=word(f"level_{chain.level}", call.language),
        starts_on=chain.valid and chain.valid.starts_on,
        ends_on=chain.valid and last_day(chain.valid),
        active=chain.holds,
        granted=granted,
    )
