"""Fills the database of authorizations with one large firm among many small ones, by SQL alone: 5 million rights.

The firm has 500 members and 1,500 clients, and every member is delegated every client. Everything follows from row
numbers and a seed, so two fillings are alike. Names are drawn from syllables and name nobody.

Constraints that exclude overlaps are taken away before and not put back: no query reads them, and building them for
5 million rows takes longer than everything else together. Every other index is there, as the migrations make it.
"""

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg

SEED = 5
FIRST = "ab bé cor da é fal gué hô il ja ké lon mar né ol pi quen ro sa té ur va wi xan yol zé"
NEXT = "al bert cé doux er fran gi hé ier lan mon neau ou pré rin"

ORGANIZATION, CONTACT, MEMBERSHIP, REPRESENTATION, DELEGATION, RIGHT, ACCOUNT, LINK = range(1, 9)
SHIFT = 100  # rights of one relation have the numbers relation × SHIFT + place of the subject
SPREAD = 10_000  # a delegation of the firm has the number member × SPREAD + client


@dataclass(frozen=True)
class Size:
    """How many there are. `former` of the firm's members and clients are of the past; others come on top."""

    members: int = 500
    clients: int = 1_500
    former: int = 40
    firms: int = 1_000
    employers: int = 125_000

    @property
    def first_employer(self) -> int:
        """The number of the first employer; organization 0 is the firm, then come the small firms."""
        return 1 + self.firms

    @property
    def first_employee(self) -> int:
        """The number of the first contact of an employer."""
        return self.members + self.former + self.firms * STAFF


SMALL = Size(members=50, clients=150, former=5, firms=50, employers=2_000)
STAFF = 8  # of a small firm
EMPLOYEES = 3  # of an employer


@dataclass(frozen=True)
class Population:
    """What stands in the database, and who may be asked about."""

    size: Size
    rights: int
    seconds: float

    @property
    def firm(self) -> UUID:
        """The large firm."""
        return identity(ORGANIZATION, 0)

    def member(self, number: int) -> UUID:
        """A contact of the firm; 0 is its responsible person."""
        return identity(CONTACT, number)

    def account(self, number: int) -> UUID:
        """The account that is linked to that contact."""
        return identity(ACCOUNT, number)

    def client(self, number: int) -> UUID:
        """A client of the firm."""
        return identity(ORGANIZATION, self.size.first_employer + number)

    def responsible_of_client(self, number: int) -> int:
        """The number of the contact, and of the account, that is responsible for a client."""
        return self.size.first_employee + number * EMPLOYEES


def identity(kind: int, number: int) -> UUID:
    """The id of a thing, as `pg_temp.id` makes it."""
    return UUID(f"0190{kind:04x}-0000-7000-8000-{number:012x}")


FUNCTIONS = f"""
create function pg_temp.id(kind int, number bigint) returns uuid immutable language sql return
    ('0190' || lpad(to_hex(kind), 4, '0') || '-0000-7000-8000-' || lpad(to_hex(number), 12, '0'))::uuid;
create function pg_temp.draw(number bigint, salt int, below int) returns int immutable language sql return
    abs(hashint8extended(number, {SEED} * 1000 + salt) % below)::int;
create function pg_temp.syllable(number bigint, salt int, of text[]) returns text immutable language sql return
    of[1 + pg_temp.draw(number, salt, cardinality(of))];
create function pg_temp.syllables(number bigint, salt int) returns text immutable language sql return initcap(
    pg_temp.syllable(number, salt, '{{{{{FIRST.replace(" ", ",")}}}}}')
    || pg_temp.syllable(number, salt + 1, '{{{{{NEXT.replace(" ", ",")}}}}}')
    || pg_temp.syllable(number, salt + 2, '{{{{{NEXT.replace(" ", ",")}}}}}'));
-- Of a hundred rows: 89 open, 5 end in a year, 3 ended a year ago, 1 begins in a month, 2 were withdrawn.
create function pg_temp.fate(number bigint) returns int immutable language sql return pg_temp.draw(number, 1, 100);
create function pg_temp.starts(number bigint) returns date immutable language sql return
    case when pg_temp.fate(number) = 97 then '{{today}}'::date + 30
    else '{{today}}'::date - 800 - pg_temp.draw(number, 2, 1000) end;
create function pg_temp.valid(number bigint) returns daterange immutable language sql return
    daterange(pg_temp.starts(number), case when pg_temp.fate(number) between 89 and 93 then '{{today}}'::date + 365
        when pg_temp.fate(number) between 94 and 96 then '{{today}}'::date - 365 end);
create function pg_temp.ended(number bigint) returns timestamptz immutable language sql return
    case when pg_temp.fate(number) >= 98 then '{{today}} 12:00Z'::timestamptz - interval '200 days' end;
create function pg_temp.recorded(number bigint) returns timestamptz immutable language sql return
    least(pg_temp.starts(number), '{{today}}'::date - 700) + interval '12 hours';
"""

STRUCTURE = """
create temp table people as
    select n as number, 0 as organization, n < {members} as current from generate_series(0, {members} + {former} - 1) n
    union all select {members} + {former} + n, 1 + n / {staff}, true from generate_series(0, {firms} * {staff} - 1) n
    union all select {first_employee} + n, {first_employer} + n / {employees}, true
        from generate_series(0, {employers} * {employees} - 1) n;
create temp table represented as  -- three of four employers; by the firm first
    select n as number, case when n < {clients} + {former} then 0 else 1 + n % {firms} end as firm, n < {clients}
        or n >= {clients} + {former} as current
    from generate_series(0, {employers} - 1) n where n < {clients} + {former} or pg_temp.draw(n, 3, 4) > 0;
create temp table delegated as
    select m * {spread}::bigint + c as number, m as contact, c as client, 0 as firm,
        pg_temp.draw(m * {spread}::bigint + c, 4, 100) < 80 as everything
    from generate_series(0, {members} + {former} - 1) m, generate_series(0, {clients} + {former} - 1) c
    union all
    select {spread}::bigint * {spread} + number * 2::bigint + second,
        {members} + {former} + (firm - 1) * {staff} + (number + second) % {staff}, number, firm, false
    from represented, generate_series(0, 1) second where firm > 0;
analyze people, represented, delegated;
"""

FILL = """
insert into organizations (organization_id, kind, number)
    select pg_temp.id({organization}, n), case when n < {first_employer} then 'firm' else 'employer' end,
        (2000000 + n)::text
    from generate_series(0, {firms} + {employers}) n;
insert into personal_fields (owner_id, legal_name, trade_names, email, language)
    select pg_temp.id({organization}, n), upper(pg_temp.syllables(n, 10) || ' ' || pg_temp.syllables(n, 13))
        || case n % 3 when 0 then ' INC.' when 1 then ' LTÉE' else '' end, array[pg_temp.syllables(n, 10)],
        'courrier-' || n || '@organisation.example', case when n % 5 = 0 then 'en' else 'fr' end
    from generate_series(0, {firms} + {employers}) n;
insert into personal_fields (owner_id, family_name, given_name, email, telephones, language)
    select pg_temp.id({contact}, number), pg_temp.syllables(number, 20), pg_temp.syllables(number, 23),
        'contact-' || number || '@personne.example',
        jsonb_build_array(jsonb_build_object('kind', 'work',
            'number', '+1514555' || lpad((number % 10000)::text, 4, '0'))),
        case when number % 5 = 0 then 'en' else 'fr' end
    from people;
insert into contacts (contact_id, organization_id, client_number)
    select pg_temp.id({contact}, number), pg_temp.id({organization}, organization), (30000000 + number)::text
    from people;
insert into statuses (owner_id, active, during, recorded)
    select pg_temp.id({organization}, n), pg_temp.draw(n, 5, 50) > 0 or n < {first_employer},
        tstzrange('{today} 12:00Z'::timestamptz - interval '2000 days', null),
        tstzrange('{today} 12:00Z'::timestamptz - interval '2000 days', null)
    from generate_series(0, {firms} + {employers}) n;
insert into relations (relation_id, version, holder_kind, holder_id, holder_organization_id, organization_id, type,
        valid, ended_at, recorded)
    select pg_temp.id({membership}, number), 1, 'contact', pg_temp.id({contact}, number),
        pg_temp.id({organization}, organization), pg_temp.id({organization}, organization),
        case when number = 0 or number >= {first_employee} and (number - {first_employee}) % {employees} = 0
            then 'responsible_person' else 'staff_member' end,
        daterange('{today}'::date - 1900, null),
        case when not current then '{today} 12:00Z'::timestamptz - interval '100 days' end,
        tstzrange('{today} 12:00Z'::timestamptz - interval '1900 days', null)
    from people;
insert into relations (relation_id, version, holder_kind, holder_id, holder_organization_id, organization_id, type,
        valid, ended_at, recorded)
    select pg_temp.id({representation}, number), 1, 'organization', pg_temp.id({organization}, firm),
        pg_temp.id({organization}, firm), pg_temp.id({organization}, {first_employer} + number), 'accounting_firm',
        daterange('{today}'::date - 1850, null),
        case when not current then '{today} 12:00Z'::timestamptz - interval '150 days' end,
        tstzrange('{today} 12:00Z'::timestamptz - interval '1850 days', null)
    from represented;
insert into relations (relation_id, version, holder_kind, holder_id, holder_organization_id, organization_id, type,
        valid, ended_at, through, membership, all_rights, recorded)
    select pg_temp.id({delegation}, number), 1, 'contact', pg_temp.id({contact}, contact),
        pg_temp.id({organization}, firm), pg_temp.id({organization}, {first_employer} + client), 'delegation',
        pg_temp.valid(number), null, pg_temp.id({representation}, client), pg_temp.id({membership}, contact),
        everything, tstzrange(pg_temp.recorded(number), pg_temp.ended(number))
    from delegated
    union all
    select pg_temp.id({delegation}, number), 2, 'contact', pg_temp.id({contact}, contact),
        pg_temp.id({organization}, firm), pg_temp.id({organization}, {first_employer} + client), 'delegation',
        pg_temp.valid(number), pg_temp.ended(number), pg_temp.id({representation}, client),
        pg_temp.id({membership}, contact), everything, tstzrange(pg_temp.ended(number), null)
    from delegated where pg_temp.ended(number) is not null;
create temp table granted as
    select {membership} as kind, number, place, 'write'::level as level,
        daterange('{today}'::date - 1900, null) as valid, number * {shift}::bigint + place as id
    from people,
        generate_series(1, case when organization < {first_employer} then {delegable} else {subjects} end) place
    union all
    select {representation}, number, place, 'write', daterange('{today}'::date - 1850, null),
        number * {shift}::bigint + place
    from represented, generate_series(1, {subjects}) place
    where pg_temp.draw(number * {shift}::bigint + place, 6, 20) > 0
    union all
    select {delegation}, number, place,
        case when pg_temp.draw(number * {shift}::bigint + place, 7, 3) = 0 then 'read' else 'write' end::level,
        pg_temp.valid(number), number * {shift}::bigint + place
    from delegated, generate_series(1, {delegable}) place
    where not everything and pg_temp.draw(number * {shift}::bigint + place, 8, 5) > 0;
insert into rights (right_id, version, relation_id, subject, level, valid, ended_at, granted_by, recorded)
    select pg_temp.id({right}, kind::bigint << 44 | id), 1, pg_temp.id(kind, number), (array[{codes}])[place], level,
        valid, null, 'service:authorizations',
        tstzrange(least(lower(valid), '{today}'::date - 700) + interval '12 hours', pg_temp.ended(id))
    from granted
    union all
    select pg_temp.id({right}, kind::bigint << 44 | id), 2, pg_temp.id(kind, number), (array[{codes}])[place], level,
        valid, pg_temp.ended(id), 'service:authorizations', tstzrange(pg_temp.ended(id), null)
    from granted where pg_temp.ended(id) is not null;
create temp table linked as
    select number from people where number < {members} + {former} or (number - {first_employee}) % {employees} = 0;
insert into bindings (link_id, version, account_id, contact_id, during, recorded)
    select pg_temp.id({link}, number), 1, pg_temp.id({account}, number), pg_temp.id({contact}, number),
        tstzrange('{today} 12:00Z'::timestamptz - interval '1800 days', null),
        tstzrange('{today} 12:00Z'::timestamptz - interval '1800 days', null)
    from linked;
insert into account_versions (account_id, version) select pg_temp.id({account}, number), 1 from linked;
insert into personal_fields (owner_id, family_name, given_name, email, language)
    select pg_temp.id({account}, number), pg_temp.syllables(number, 20), pg_temp.syllables(number, 23),
        'compte-' || number || '@personne.example', 'fr'
    from linked;
insert into statuses (owner_id, active, during, recorded)
    select pg_temp.id({account}, number), true, tstzrange('{today} 12:00Z'::timestamptz - interval '1800 days', null),
        tstzrange('{today} 12:00Z'::timestamptz - interval '1800 days', null)
    from linked;
"""

FILLED = ("organizations", "contacts", "personal_fields", "statuses", "relations", "rights", "bindings")
INDEXES = """
select indexrelid::regclass::text as name, pg_get_indexdef(indexrelid) as definition,
    (select conname from pg_constraint where conindid = indexrelid and contype = 'x') as excludes, indrelid::regclass
from pg_index where indrelid = any($1::text[]::regclass[]) and not indisprimary and not exists (
    select from pg_constraint where conindid = indexrelid and contype in ('u', 'f'))
"""


@asynccontextmanager
async def indexes_made_last(
    connection: "asyncpg.Connection[asyncpg.Record]", tables: Sequence[str]
) -> AsyncIterator[None]:
    """Meanwhile the tables have no triggers, and no indexes but those of keys.

    Afterwards they have all but those that exclude overlaps.
    """
    await connection.execute("set synchronous_commit = off; set work_mem = '256MB'; set maintenance_work_mem = '512MB'")
    indexes = await connection.fetch(INDEXES, tables)
    for index in indexes:
        dropped = f"alter table {index['indrelid']} drop constraint {index['excludes']}"
        await connection.execute(dropped if index["excludes"] else f"drop index {index['name']}")
    for name in tables:
        await connection.execute(f"alter table {name} disable trigger user")
    yield
    for name in tables:
        await connection.execute(f"alter table {name} enable trigger user")
    for index in indexes:
        if not index["excludes"]:
            await connection.execute(index["definition"])
    await connection.execute(f"vacuum analyze {', '.join(tables)}")


async def fill(dsn: str, size: Size, delegable: list[str], others: list[str]) -> Population:
    """Fill a migrated, empty database: `delegable` and `others` are the codes of the agency's subjects."""
    began = time.monotonic()
    today = datetime.now(UTC).date() - timedelta(days=1)  # its noon is past everywhere
    numbers = {
        "organization": ORGANIZATION, "contact": CONTACT, "membership": MEMBERSHIP, "representation": REPRESENTATION,
        "delegation": DELEGATION, "right": RIGHT, "account": ACCOUNT, "link": LINK, "shift": SHIFT, "spread": SPREAD,
        "members": size.members, "clients": size.clients, "former": size.former, "firms": size.firms,
        "employers": size.employers, "first_employer": size.first_employer, "first_employee": size.first_employee,
        "staff": STAFF, "employees": EMPLOYEES, "today": today.isoformat(),
        "delegable": len(delegable), "subjects": len(delegable) + len(others),
        "codes": ", ".join(f"'{code}'" for code in [*delegable, *others]),
    }  # fmt: skip
    connection = await asyncpg.connect(dsn)
    try:
        async with indexes_made_last(connection, FILLED):
            for part in (FUNCTIONS, STRUCTURE, FILL):
                for statement in part.format(**numbers).split(";\n"):
                    if statement.strip():
                        await connection.execute(statement)
        rights = await connection.fetchval("select count(*) from rights where upper_inf(recorded)")
    finally:
        await connection.close()
    return Population(size, rights, time.monotonic() - began)
