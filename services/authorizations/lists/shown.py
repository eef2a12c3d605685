"""How the rows of the three lists are shown: as views, and as the columns of a table."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from uuid import UUID

from pydantic import BaseModel

from chassis.gateway import Call
from contracts.agency.relations import RelationType
from contracts.events import Language
from contracts.problems import word
from services.authorizations.answers import OrganizationView, last_day
from services.authorizations.lists.views import AuthorizationView, ContactNameView, ListedContactView, RelationView
from services.authorizations.periods import Period
from services.authorizations.personal.domain import Named
from services.authorizations.tools import Tools

V = TypeVar("V", bound=BaseModel)
Row = Any
Column = tuple[str, Callable[[Any, Language], str]]


@dataclass(frozen=True)
class Shown(Generic[V]):
    """How a list's rows are shown: as views, and as the columns of a table, headed by words."""

    view: type[V]
    render: Callable[[Call[Tools], Row, Mapping[UUID, Named]], V]
    owners: Sequence[str]
    columns: Sequence[Column]


def type_name(call: Call[Tools], code: str) -> str:
    """A relation type's name in the reader's language, as lists say it."""
    kind: RelationType = call.tools.relation_type(code)
    return (kind.label or kind.name).in_(call.language)


def _organization(identity: UUID, names: Mapping[UUID, Named]) -> OrganizationView:
    return OrganizationView(organization_id=identity, name=names[identity].legal_name)


def _contact(_: Call[Tools], row: Row, __: Mapping[UUID, Named]) -> ListedContactView:
    return ListedContactView.model_validate(dict(row))


def _relation(call: Call[Tools], row: Row, names: Mapping[UUID, Named]) -> RelationView:
    valid = Period.stored(row["valid"])
    return RelationView(
        relation_id=row["relation_id"],
        organization=_organization(row["organization_id"], names),
        type=row["type"],
        type_name=type_name(call, row["type"]),
        related_organization=_organization(row["holder_organization_id"], names),
        starts_on=valid.starts_on,
        ends_on=last_day(valid),
        active=row["active"],
    )


def _authorization(call: Call[Tools], row: Row, names: Mapping[UUID, Named]) -> AuthorizationView:
    valid = None if row["valid"].isempty else Period.stored(row["valid"])
    contact, person, subject = None, names[row["holder_id"]], call.tools.agency.subjects[row["subject"]]
    if row["by_contact"]:
        contact = ContactNameView(
            contact_id=row["holder_id"], family_name=person.family_name, given_name=person.given_name
        )
    return AuthorizationView(
        right_id=row["right_id"],
        relation_id=row["relation_id"],
        subject=subject.code,
        subject_name=subject.name.in_(call.language),
        level=row["level"],
        level_name=word(f"level_{row['level']}", call.language),
        why_not_delegable=subject.why_not_delegable.in_(call.language)
        if subject.why_not_delegable and not contact
        else None,
        organization=_organization(row["organization_id"], names),
        holder_organization=_organization(row["firm_id"], names),
        contact=contact,
        function=call.tools.relation_type(row["function"]).name.in_(call.language) if contact else None,
        starts_on=valid and valid.starts_on,
        ends_on=valid and last_day(valid),
        active=row["active"],
        mandate_id=row["mandate_id"],
    )


def _yes(active: bool, language: Language) -> str:
    return word("value_true" if active else "value_false", language)


CONTACTS = Shown(
    ListedContactView,
    _contact,
    (),
    (
        ("column_family_name", lambda row, _: row.family_name),
        ("column_given_name", lambda row, _: row.given_name),
        ("column_email", lambda row, _: row.email or ""),
        ("column_telephones", lambda row, _: " / ".join(telephone.number for telephone in row.telephones)),
        ("column_active", lambda row, language: _yes(row.active, language)),
    ),
)
RELATIONS = Shown(
    RelationView,
    _relation,
    ("organization_id", "holder_organization_id"),
    (
        ("column_organization", lambda row, _: row.organization.name),
        ("column_type", lambda row, _: row.type_name),
        ("column_organization", lambda row, _: row.related_organization.name),
        ("column_active", lambda row, language: _yes(row.active, language)),
    ),
)
AUTHORIZATIONS = Shown(
    AuthorizationView,
    _authorization,
    ("organization_id", "firm_id", "holder_id"),
    (
        ("column_subject", lambda row, _: row.subject_name),
        ("column_level", lambda row, _: row.level_name),
        ("column_organization", lambda row, _: row.organization.name),
        ("column_organization", lambda row, _: row.holder_organization.name),
        (
            "column_contact",
            lambda row, _: (row.contact and f"{row.contact.family_name}, {row.contact.given_name}") or "",
        ),
        ("column_function", lambda row, _: row.function or ""),
        ("column_active", lambda row, language: _yes(row.active, language)),
    ),
)
