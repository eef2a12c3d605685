"""The lists of contacts and of relations; what all three lists share.

Only what is asked for stands in the SQL: filters that are not given, and columns that order nothing, cost nothing.
Names order and match as `personal_fields.sorted_name` has them: without accents and case, family name first.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias
from uuid import UUID

from chassis.pages import Listing
from services.authorizations.access.domain import Moment
from services.authorizations.access.storage import ENTITLEMENTS, HANGS_ON, HELD, IN_FORCE, OF_RELATION, OF_RIGHT, asking
from services.authorizations.blocked import unblocked
from services.authorizations.dated import in_force, known
from services.authorizations.statuses import active

Columns: TypeAlias = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Narrow:
    """What narrows a list; None leaves open. `own_rows` is the one contact whose rows the viewer may see.

    Of contacts those stay that have an authorization of this subject and organization, of relations those that carry
    this subject or that this contact acts through; with `active` in force. `words` must all stand in one of a row's
    names, without accents and case, in whatever order.
    """

    own_rows: UUID | None = None
    contact_id: UUID | None = None
    subject: str | None = None
    organization_id: UUID | None = None
    active: bool | None = None
    words: Sequence[str] = ()
    kind: str | None = None


@dataclass(frozen=True)
class Order:
    """By which column. `ranks` are the codes of a column of codes, in the order of their names to the reader."""

    column: str
    descending: bool = False
    ranks: Sequence[str] = ()

    @classmethod
    def of(cls, sort: str, ranks: Sequence[str] = ()) -> "Order":
        """The order that a caller names: a column, with `-` before it from its end."""
        return cls(sort.removeprefix("-"), sort.startswith("-"), ranks)

    @property
    def direction(self) -> str:
        return "desc" if self.descending else "asc"

    def by(self, *columns: str) -> str:
        """ORDER BY of so many columns."""
        return ", ".join(f"{column} {self.direction}" for column in columns)


class Arguments(list[Any]):
    """The arguments of a query; each is named where it is added."""

    def add(self, value: Any, kind: str) -> str:
        self.append(value)
        return f"${len(self)}::{kind}"

    def words(self, words: Sequence[str]) -> str:
        """What LIKE ALL compares a sorted name with; PostgreSQL folds it as it folded the name."""
        escaped = [re.sub(r"([\\%_])", r"\\\1", word) for word in words]
        patterns = self.add([f"%{word}%" for word in escaped], "text[]")
        return f"array(select folded(word) from unnest({patterns}) word)"

    def like(self, words: Sequence[str], *names: str) -> str:
        """Whether one of these names holds every word."""
        patterns = self.words(words)
        return "(" + " or ".join(f"{name} like all ({patterns})" for name in names) + ")"


def also(*conditions: str | None) -> str:
    """Further conditions of a WHERE; those that are None or empty are left out."""
    return "".join(f" and {condition}" for condition in conditions if condition)


def active_once(owner: str) -> str:
    """Whether an end of a relation is active: one of the two is the organization itself, whose status is asked once."""
    return f"case when {owner} = $4 then {active('$4')} else {active(owner)} end"


# Whether there is such an authorization: a value, and no join, so that it is looked for row by row until one is found.
HAS = f"coalesce((select true from ({ENTITLEMENTS}) e where e.delegable {{such}} limit 1), false)"


def _has(narrow: Narrow, *such: str | None) -> str:
    return HAS.format(such=also(*such, IN_FORCE if narrow.active else None))


# Contacts

MEMBER = f"""exists (
    select from relations r where r.holder_id = c.contact_id and r.organization_id = c.organization_id
        and {known("r")} and {in_force("r")}
) and {unblocked("c.contact_id", "c.organization_id")}"""

CONTACTS = f"""
select c.contact_id, p.sorted_name, p.family_name, p.given_name, p.telephones,
    coalesce(verified.email, p.email) as email, coalesce(verified.email, p.email, '') as sorted_email,
    ({MEMBER}) as active
from contacts c
join personal_fields p on p.owner_id = c.contact_id
left join bindings b on b.contact_id = c.contact_id and {known("b")} and upper_inf(b.during)
left join personal_fields verified on verified.owner_id = b.account_id
where c.organization_id = $4 and $3::text[] is not null /* named: c.contact_id */
"""

CONTACTS_BY: dict[str, Columns] = {
    "name": (),
    "email": (("sorted_email", "text"),),
    "active": (("active", "bool"),),
}


def contacts(moment: Moment, organization_id: UUID, narrow: Narrow, order: Order) -> Listing:
    """The contacts of an organization; active are those with a membership in force whom nothing blocks."""
    arguments = Arguments([moment.at, moment.day, moment.delegable, organization_id])
    # What cannot be delegated a contact has for its own organization alone.
    at_home = narrow.subject is not None and narrow.subject not in moment.delegable
    query = CONTACTS + also(
        _has(
            narrow,
            "e.holder_id = c.contact_id",
            f"e.subject = {arguments.add(narrow.subject, 'text')}" if narrow.subject else None,
            f"e.organization_id = {arguments.add(narrow.organization_id, 'uuid')}" if narrow.organization_id else None,
            "e.organization_id = $4 and e.through is null" if at_home else None,
        )
        if narrow.subject or narrow.organization_id
        else None,
        f"c.contact_id = {arguments.add(narrow.own_rows, 'uuid')}" if narrow.own_rows else None,
        arguments.like(narrow.words, "p.sorted_name") if narrow.words else None,
        None if narrow.active is None else f"({MEMBER}) = {narrow.active}",
        # By what was known then, there was no such contact yet.
        f"exists (select from relations r where r.holder_id = c.contact_id and {known('r')})"
        if moment.recorded_at
        else None,
    )
    query, asked = asking(moment, query, *arguments)
    return Listing(
        query,
        asked,
        (*CONTACTS_BY[order.column], ("sorted_name", "text"), ("contact_id", "uuid")),
        descending=order.descending,
    )


# Relations. The guide's list: an organization, how it stands, to which other organization.

REPRESENTED = f"{in_force('r')} and {active_once('r.organization_id')} and {active_once('r.holder_organization_id')}"

RELATIONS = f"""
select r.relation_id, r.type, r.valid, r.ended_at, r.organization_id, r.holder_organization_id,
    acted_for.sorted_name as sorted_organization, holder.sorted_name as sorted_related_organization,
    ({REPRESENTED}) as active
from (
    select * from relations r where r.holder_id = $4 and {known("r")} /* named: r.relation_id */
    union all
    select * from relations r
    where r.organization_id = $4 and r.holder_kind = 'organization' and {known("r")} /* named: r.relation_id */
) r
join personal_fields acted_for on acted_for.owner_id = r.organization_id
join personal_fields holder on holder.owner_id = r.holder_organization_id
where $3::text[] is not null
"""

# What a contact acts, or ever acted, through, for a subject or for any; links that a delegation has from there are the
# row's own.
ACTED_THROUGH = f"""
select r.through from relations r {{joined}}
where r.through is not null and {known("r")} and r.holder_id = {{holder}} {{such}}
"""
CARRIES = f"""coalesce((
    select true from rights held
    where held.relation_id = r.relation_id and held.subject = {{subject}} and {known("held")} {{such}} limit 1
), false)"""
OF_DELEGATION = [
    holds for link, holds in OF_RELATION.items() if link not in ("through_holds", "organization_active", "firm_active")
]

RELATIONS_BY: dict[str, Columns] = {
    "organization": (("sorted_organization", "text"), ("sorted_related_organization", "text")),
    "type": (("type_rank", "int"), ("sorted_organization", "text")),
    "related_organization": (("sorted_related_organization", "text"), ("sorted_organization", "text")),
    "active": (("active", "bool"), ("sorted_organization", "text")),
}


def _acted_through(narrow: Narrow, holder: str, subject: str | None) -> str:
    rights = OF_RIGHT if narrow.active else {"delegable": OF_RIGHT["delegable"]}
    of_right = [f"held.subject = {subject}", *rights.values()] if subject else []
    in_force = narrow.active and (narrow.contact_id or subject)
    return ACTED_THROUGH.format(
        joined=(HANGS_ON if in_force else "") + (HELD if subject else ""),
        holder=holder,
        such=also(*(OF_DELEGATION if in_force else ()), *of_right),
    )


def relations(moment: Moment, organization_id: UUID, narrow: Narrow, order: Order) -> Listing:
    """The relations between an organization and others; with `own_rows` those that this contact acts through."""
    arguments = Arguments([moment.at, moment.day, moment.delegable, organization_id])
    query, acting = RELATIONS, narrow.own_rows or narrow.contact_id
    holder = arguments.add(acting, "uuid") if acting else None
    subject = arguments.add(narrow.subject, "text") if narrow.subject else None
    if order.column == "type":
        ranked = f"r.type, array_position({arguments.add(order.ranks, 'text[]')}, r.type) as type_rank,"
        query = query.replace("r.type,", ranked, 1)
    query += also(
        # Whoever sees its own rows alone learns nothing of another contact's, nor of the firm's.
        "false" if narrow.own_rows and narrow.contact_id not in (None, narrow.own_rows) else None,
        # A hash, and no join: PostgreSQL would compare each row with each delegation.
        f"(r.relation_id in ({_acted_through(narrow, holder, subject)})) is true" if holder else None,
        CARRIES.format(subject=subject, such=also(*OF_RIGHT.values()) if narrow.active else "")
        if subject and not holder
        else None,
        f"{arguments.add(narrow.organization_id, 'uuid')} in (r.organization_id, r.holder_organization_id)"
        if narrow.organization_id
        else None,
        f"exists (select from organizations o where o.kind = {arguments.add(narrow.kind, 'text')} and o.organization_id"
        " in (r.organization_id, r.holder_organization_id) and o.organization_id <> $4)"
        if narrow.kind
        else None,
        arguments.like(narrow.words, "acted_for.sorted_name", "holder.sorted_name") if narrow.words else None,
        None if narrow.active is None else f"({REPRESENTED}) = {narrow.active}",
    )
    query, asked = asking(moment, query, *arguments)
    return Listing(query, asked, (*RELATIONS_BY[order.column], ("relation_id", "uuid")), descending=order.descending)


# Authorized files: one organization after another, by name, as far as the page goes.

FILES = f"""
select f.organization_id, f.sorted_name
from (
    select distinct p.sorted_name, r.organization_id
    from relations r join personal_fields p on p.owner_id = r.organization_id
    where r.holder_id = $4 and {known("r")} {{narrowed}} /* begins: p.sorted_name, r.organization_id */
        /* named: r.organization_id */
    order by p.sorted_name {{direction}}, r.organization_id {{direction}}
) f
where coalesce((
    select true from ({ENTITLEMENTS}) e
    where e.holder_id = $4 and e.organization_id = f.organization_id and {IN_FORCE} limit 1
), false)
"""


def files(moment: Moment, contact_id: UUID, words: Sequence[str], order: Order) -> Listing:
    """The organizations that a contact may act for, by name."""
    arguments = Arguments([moment.at, moment.day, moment.delegable, contact_id])
    query = FILES.format(
        narrowed=also(arguments.like(words, "p.sorted_name") if words else None), direction=order.direction
    )
    query, asked = asking(moment, query, *arguments)
    return Listing(query, asked, (("sorted_name", "text"), ("organization_id", "uuid")), descending=order.descending)
