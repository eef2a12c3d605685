"""A small world of organizations, contacts, relations and rights in every state, and what the lists say of it, naively.

The world is drawn from a seed; what was superseded stands in it too. `World` reads all of it into memory and follows
docs/architecture/rights.md row by row, without an index, a join or a limit.
"""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import product
from typing import Any
from uuid import UUID

import asyncpg
from asyncpg import Range

from chassis.database import Connection
from services.authorizations.access.domain import Moment
from services.authorizations.lists.storage import Narrow

TODAY = date(2026, 11, 20)
SUBJECTS = ("alpha", "beta_one", "beta_two", "gamma")
DELEGABLE = ("alpha", "beta_one", "beta_two")
TYPES = ("accounting_firm", "delegation", "payroll_service", "responsible_person", "staff_member")
FAMILIES, GIVEN = ("abel", "bru", "bruyère", "cyr", "dion"), ("zoe", "abel", "noé")
COMPANIES = ("abel inc", "bru et cyr", "dion ltée", "é", "abel inc")
READ = ("contacts", "personal_fields", "statuses", "relations", "rights", "bindings", "blocks")

Row = dict[str, Any]


def noon(day: date) -> datetime:
    """Of a day, in UTC."""
    return datetime.combine(day, time(12), UTC)


@dataclass
class Drawn:
    """Rows of each table, drawn from a seed."""

    random: random.Random
    tables: dict[str, list[Row]] = field(default_factory=dict)
    count: int = 0

    def id(self) -> UUID:
        """The next id; their order is not that of drawing."""
        self.count += 1
        return UUID(int=self.random.getrandbits(64) << 32 | self.count)

    def add(self, table: str, **row: Any) -> Row:
        """Add a row to a table."""
        self.tables.setdefault(table, []).append(row)
        return row

    def day(self, earliest: int = -900, latest: int = 60) -> date:
        """A day near today."""
        return TODAY + timedelta(days=self.random.randint(earliest, latest))

    def valid(self) -> "Range[date]":
        """Open, over, yet to come or limited."""
        starts = self.day(-900, -400) if self.random.random() < 0.9 else self.day(1, 30)
        ends = None if self.random.random() < 0.6 else starts + timedelta(days=self.random.randint(1, 1200))
        return Range(starts, ends)

    def dated(self, table: str, **row: Any) -> Row:
        """A row known for long; in one of five cases withdrawn since, the version before kept."""
        known = noon(self.day(-1000, -950))
        if self.random.random() < 0.8:
            return self.add(table, **row, version=1, ended_at=None, recorded=Range(known, None))
        ended = noon(self.day(-300, -10))
        self.add(table, **row, version=1, ended_at=None, recorded=Range(known, ended))
        return self.add(table, **row, version=2, ended_at=ended, recorded=Range(ended, None))

    def status(self, owner: UUID) -> None:
        """Active, once active, or never."""
        long_ago, change = noon(self.day(-1000, -950)), noon(self.day(-300, -10))
        for during in self.random.choice(([(long_ago, None)], [(long_ago, None)], [(long_ago, change)], [])):
            self.add("statuses", owner_id=owner, active=True, during=Range(*during), recorded=Range(long_ago, None))

    def rights(self, relation_id: UUID, likely: float) -> None:
        """Some subjects, in rare cases one twice, one after the other."""
        for subject in SUBJECTS:
            if self.random.random() > likely:
                continue
            valid, level = self.valid(), self.random.choice(("read", "write"))
            right: Row = {"relation_id": relation_id, "subject": subject, "level": level, "granted_by": "test"}
            self.dated("rights", right_id=self.id(), valid=valid, **right)
            if valid.upper and self.random.random() < 0.3:
                self.dated("rights", right_id=self.id(), valid=Range(valid.upper, None), **right)

    def relation(self, holder_kind: str, holder: UUID, firm: UUID, organization: UUID, kind: str, **more: Any) -> Row:
        """A relation with an id of its own."""
        row: Row = {"through": None, "membership": None, "all_rights": False} | more
        return self.dated(
            "relations", relation_id=self.id(), holder_kind=holder_kind, holder_id=holder, holder_organization_id=firm,
            organization_id=organization, type=kind, valid=self.valid(), **row,
        )  # fmt: skip

    def contact(self, organization: UUID, likely: float) -> tuple[UUID, Row]:
        """A contact and its membership."""
        contact = self.id()
        self.add("contacts", contact_id=contact, organization_id=organization, client_number=str(self.count))
        self.add("personal_fields", owner_id=contact, family_name=self.random.choice(FAMILIES),
                 given_name=self.random.choice(GIVEN), email=None, language="fr")  # fmt: skip
        kind = self.random.choice(("responsible_person", "staff_member"))
        membership = self.relation("contact", contact, organization, organization, kind)
        self.rights(membership["relation_id"], likely)
        return contact, membership

    def keep_out(self, organization: UUID, contact: UUID) -> None:
        """Block a contact, or the account that it is: for ever, until some day, since lately, or as is known lately."""
        long_ago, change = noon(self.day(-1000, -950)), noon(self.day(-300, -10))
        account = self.id()
        self.add("bindings", link_id=self.id(), version=1, account_id=account, contact_id=contact,
                 during=Range(long_ago, None), recorded=Range(long_ago, None))  # fmt: skip
        for during, recorded in self.random.choice((
            [((long_ago, None), (long_ago, None))],
            [((long_ago, change), (long_ago, None))],
            [((change, None), (change, None))],
            [((long_ago, None), (long_ago, change)), ((long_ago, change), (change, None))],
        )):  # fmt: skip
            named = self.random.choice(({"contact_id": contact, "account_id": None},
                                        {"contact_id": None, "account_id": account}))  # fmt: skip
            self.add("blocks", block_id=self.id(), version=1, organization_id=organization, **named, blocked_by="test",
                     ended_by="test" if during[1] else None, during=Range(*during), recorded=Range(*recorded)
                     )  # fmt: skip


def drawn(seed: int) -> Drawn:
    """Two firms and six employers, each with contacts, and what they hold for one another."""
    world = Drawn(random.Random(seed))
    firms, employers = [world.id() for _ in range(2)], [world.id() for _ in range(6)]
    for organization in [*firms, *employers]:
        world.add("organizations", organization_id=organization, kind="firm", number=str(world.id()))
        world.add("personal_fields", owner_id=organization, legal_name=world.random.choice(COMPANIES), language="fr")
        world.status(organization)
    members = {organization: [world.contact(organization, 0.5) for _ in range(3)] for organization in firms}
    for employer in employers:
        world.contact(employer, 0.8)
    for firm, employer in product(firms, employers):
        if world.random.random() < 0.2:
            continue
        kind = world.random.choice(("accounting_firm", "payroll_service"))
        through = world.relation("organization", firm, firm, employer, kind)
        world.rights(through["relation_id"], 0.8)
        for contact, membership in members[firm]:
            if world.random.random() < 0.3:
                continue
            hung = {"through": through["relation_id"], "membership": membership["relation_id"]}
            everything = world.random.random() < 0.6
            delegation = world.relation("contact", contact, firm, employer, "delegation", all_rights=everything, **hung)
            if not everything:
                world.rights(delegation["relation_id"], 0.7)
    for row in world.tables["contacts"]:
        if world.random.random() < 0.4:
            at = world.random.choice((row["organization_id"], world.random.choice(employers)))
            world.keep_out(at, row["contact_id"])
    return world


async def write(connection: Connection, world: Drawn) -> None:
    """Put it into an empty database."""
    for table in (
        "organizations",
        "contacts",
        "personal_fields",
        "statuses",
        "relations",
        "rights",
        "bindings",
        "blocks",
    ):
        rows = world.tables[table]
        for columns in {tuple(row) for row in rows}:
            records = [tuple(row.values()) for row in rows if tuple(row) == columns]
            values = ", ".join(f"${number}" for number in range(1, len(columns) + 1))
            await connection.executemany(f"insert into {table} ({', '.join(columns)}) values ({values})", records)


@dataclass(frozen=True)
class Held:
    """A row of the list of authorizations, with all it is filtered and ordered by."""

    relation_id: UUID
    right_id: UUID
    subject: str
    level: str
    valid: tuple[date | None, date | None] | None
    function: str
    active: bool
    place: int
    holder: tuple[str, UUID]
    firm: tuple[str, UUID]
    organization: tuple[str, UUID]


@dataclass(frozen=True)
class Related:
    """A row of the list of relations."""

    relation_id: UUID
    type: str
    active: bool
    organization: tuple[str, UUID]
    related: tuple[str, UUID]


class World:
    """All rows of a database, as they are known at a moment."""

    def __init__(self, tables: dict[str, Sequence[asyncpg.Record]], moment: Moment) -> None:
        self.moment = moment
        self.names: dict[UUID, str] = {row["owner_id"]: row["sorted_name"] for row in tables["personal_fields"]}
        self.contacts = tables["contacts"]
        self.statuses = self._known(tables["statuses"])
        self.relations = self._known(tables["relations"])
        self.rights = self._known(tables["rights"])
        self.bindings = [row for row in self._known(tables["bindings"]) if _within(row["during"], moment.at)]
        self.blocks = [row for row in self._known(tables["blocks"]) if _within(row["during"], moment.at)]
        self._by_id = {row["relation_id"]: row for row in self.relations}
        self._active = {
            row["owner_id"]
            for row in self.statuses
            if row["active"] and _within(row["during"], moment.at)
        }  # fmt: skip

    @classmethod
    async def read(cls, connection: Connection, moment: Moment) -> "World":
        """The world of a database."""
        return cls({table: await connection.fetch(f"select * from {table}") for table in READ}, moment)

    def _known(self, rows: Iterable[asyncpg.Record]) -> list[asyncpg.Record]:
        at = self.moment.recorded_at
        return [row for row in rows if (row["recorded"].upper is None if at is None else _within(row["recorded"], at))]

    def in_force(self, row: asyncpg.Record) -> bool:
        """Whether a relation or right is, by itself."""
        return _within(row["valid"], self.moment.day) and (row["ended_at"] is None or self.moment.at < row["ended_at"])

    def keeps_out(self, organization_id: UUID, contact_id: UUID) -> bool:
        """Whether the organization blocks the contact, or an account that it is."""
        accounts = {row["account_id"] for row in self.bindings if row["contact_id"] == contact_id}
        blocks = [row for row in self.blocks if row["organization_id"] == organization_id]
        return any(row["contact_id"] == contact_id or row["account_id"] in accounts for row in blocks)

    def authorizations(self, organization_id: UUID, narrow: Narrow) -> list[Held]:
        """The rows of an organization's list, in no order."""
        found: list[Held] = []
        for relation in self.relations:
            if organization_id not in (relation["organization_id"], relation["holder_organization_id"]):
                continue
            found += self._rows(relation)
        return [row for row in found if self._stays(row, narrow)]

    def _held(self, relation: asyncpg.Record, right: asyncpg.Record) -> Held | None:
        if relation["through"] and right["subject"] not in self.moment.delegable:
            return None
        level = right["level"]
        holds = self._stands(relation) and self.in_force(right)
        if relation["through"] and not relation["all_rights"]:
            firm = [
                row
                for row in self.rights
                if (row["relation_id"], row["subject"]) == (relation["through"], right["subject"])
            ]
            holds = holds and any(map(self.in_force, firm))
            level = min([level, *(row["level"] for row in firm)])  # all of one subject have the same
        function = self._by_id[relation["membership"]]["type"] if relation["membership"] else relation["type"]
        return Held(
            relation["relation_id"], right["right_id"], right["subject"], level,
            _shared(relation["valid"], right["valid"]), function, holds, int(relation["holder_kind"] == "contact"),
            self._named(relation["holder_id"]), self._named(relation["holder_organization_id"]),
            self._named(relation["organization_id"]),
        )  # fmt: skip

    def _stays(self, row: Held, narrow: Narrow) -> bool:
        return (
            narrow.own_rows in (None, row.holder[1])
            and narrow.contact_id in (None, row.holder[1])
            and narrow.subject in (None, row.subject)
            and narrow.organization_id in (None, row.organization[1])
            and narrow.active in (None, row.active)
            and any(_has(name, narrow.words) for name, _ in (row.holder, row.organization))
        )

    def related(self, organization_id: UUID, narrow: Narrow) -> list[Related]:
        """The rows of an organization's list of relations, in no order."""
        rows = [
            Related(
                row["relation_id"], row["type"],
                self.in_force(row) and {row["organization_id"], row["holder_organization_id"]} <= self._active,
                self._named(row["organization_id"]), self._named(row["holder_organization_id"]),
            )
            for row in self.relations
            if organization_id == row["holder_id"]
            or (organization_id == row["organization_id"] and row["holder_kind"] == "organization")
        ]  # fmt: skip
        own = {row["through"] for row in self.relations if row["holder_id"] == narrow.own_rows}
        if narrow.own_rows and narrow.contact_id not in (None, narrow.own_rows):
            return []
        return [
            row
            for row in rows
            if (narrow.own_rows is None or row.relation_id in own)
            and (not (narrow.contact_id or narrow.subject) or self._carries(row, narrow))
            and narrow.organization_id in (None, row.organization[1], row.related[1])
            and narrow.active in (None, row.active)
            and any(_has(name, narrow.words) for name, _ in (row.organization, row.related))
        ]

    def _carries(self, row: Related, narrow: Narrow) -> bool:
        holder = narrow.own_rows or narrow.contact_id
        mine = [r for r in self.relations if r["through"] == row.relation_id and r["holder_id"] == holder]
        if narrow.contact_id and not any(self._stands(relation) or not narrow.active for relation in mine):
            return False
        return narrow.subject is None or any(
            narrow.subject == held.subject and (held.active or not narrow.active)
            for relation in (mine if holder else [self._by_id[row.relation_id]])
            for held in self._rows(relation)
        )

    def _stands(self, relation: asyncpg.Record) -> bool:
        chain = [relation, *(self._by_id[relation[on]] for on in ("membership", "through") if relation[on])]
        owners = {relation["organization_id"], relation["holder_organization_id"]}
        kept_out = any(self.keeps_out(owner, relation["holder_id"]) for owner in owners)
        return all(map(self.in_force, chain)) and owners <= self._active and not kept_out

    def _rows(self, relation: asyncpg.Record) -> list[Held]:
        carried = relation["through"] if relation["all_rights"] else relation["relation_id"]
        found = [self._held(relation, right) for right in self.rights if right["relation_id"] == carried]
        return [row for row in found if row is not None]

    def listed_contacts(self, organization_id: UUID, narrow: Narrow) -> list[tuple[str, UUID, bool]]:
        """Name, id and whether active of an organization's contacts, in no order."""
        rows = []
        for contact in self.contacts:
            held = [row for row in self.relations if row["holder_id"] == contact["contact_id"]]
            if contact["organization_id"] != organization_id or (self.moment.recorded_at and not held):
                continue
            home = [row for row in held if row["organization_id"] == organization_id]
            let_in = not self.keeps_out(organization_id, contact["contact_id"])
            rows.append((*self._named(contact["contact_id"]), let_in and any(map(self.in_force, home))))
        return [
            (name, contact_id, active)
            for name, contact_id, active in rows
            if narrow.own_rows in (None, contact_id)
            and narrow.active in (None, active)
            and _has(name, narrow.words)
            and (not (narrow.subject or narrow.organization_id) or self._may(contact_id, narrow))
        ]

    def _may(self, contact_id: UUID, narrow: Narrow) -> bool:
        return any(
            narrow.subject in (None, row.subject) and narrow.organization_id in (None, row.organization[1])
            and (row.active or not narrow.active)
            for relation in self.relations if relation["holder_id"] == contact_id
            for row in self._rows(relation)
        )  # fmt: skip

    def files(self, contact_id: UUID, words: Sequence[str]) -> list[tuple[str, UUID]]:
        """The organizations that a contact may act for, in order."""
        held = [row for relation in self.relations if relation["holder_id"] == contact_id
                for row in self._rows(relation)]  # fmt: skip
        return sorted({row.organization for row in held if row.active and _has(row.organization[0], words)})

    def _named(self, owner_id: UUID) -> tuple[str, UUID]:
        return self.names[owner_id], owner_id


def _has(name: str, words: Sequence[str]) -> bool:
    return all(word in name for word in words)


def _within(range_: "Range[Any]", value: Any) -> bool:
    return (range_.lower is None or range_.lower <= value) and (range_.upper is None or value < range_.upper)


def _shared(one: "Range[date]", other: "Range[date]") -> tuple[date | None, date | None] | None:
    assert one.lower is not None and other.lower is not None
    starts, ends = max(one.lower, other.lower), min((r.upper for r in (one, other) if r.upper), default=None)
    return None if ends is not None and ends <= starts else (starts, ends)
