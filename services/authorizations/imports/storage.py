"""What stands of all that a portion names, and what it makes, each in a few statements whatever its size."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from asyncpg import Range

from chassis.database import Connection
from contracts.extract import ContactRow, OrganizationRow
from services.authorizations.imports.domain import Code, Facts, Grants, Held, Known, OrganizationKey, Portion
from services.authorizations.imports.reading import SealedFacts
from services.authorizations.organizations.storage import COLUMNS, WITH_NAMES
from services.authorizations.periods import Period
from services.authorizations.personal.storage import describe_new, name_organizations
from services.authorizations.relations.domain import NewRelation

STANDING = """
select o.organization_id, o.kind, o.number, o.sequence
from organizations o join unnest($1::text[], $2::text[]) as named (kind, number) using (kind, number)
"""

LOCK_STANDING = f"{STANDING} order by o.organization_id for update of o"

ORGANIZATIONS = f"""
select {COLUMNS}, p.billing_address, o.facts_digest, o.code_generation {WITH_NAMES}
where o.organization_id = any($1::uuid[])
"""

HELD = """
select r.relation_id, r.holder_id, r.organization_id, r.type, r.valid, r.ended_at is not null as ended, r.through,
    t.type as through_type, r.membership
from unnest($1::uuid[], $2::uuid[]) as named (holder_id, organization_id)
join relations r using (holder_id, organization_id)
left join relations t on t.relation_id = r.through and upper_inf(t.recorded)
where upper_inf(r.recorded)
order by r.relation_id
"""

CONTACTS = """
select c.contact_id, c.organization_id, c.client_number
from unnest($1::uuid[], $2::text[]) as named (organization_id, client_number)
join contacts c using (organization_id, client_number)
"""


# Some five rights for each relation, which PostgreSQL numbers and dates for a fraction of what it takes to send them.
# The id of each is its relation's UUIDv7 with 48 other bits at its end, which the session draws: uuidv7() asks the
# system for each, and takes five times as long.
GRANT = """
insert into rights (right_id, version, relation_id, subject, level, valid, granted_by, recorded)
select overlay(made.relation_id::text placing lpad(to_hex(random(0, (1::bigint << 48) - 1)), 12, '0') from 25)::uuid, 1,
    made.relation_id, of_each.subject, of_each.level::level, made.valid, $6, tstzrange($7, null)
from (
    select relation_id, daterange(starts_on, ends_on, '[]') as valid, subjects, levels, place
    from unnest($1::uuid[], $2::date[], $3::date[], $4::text[], $5::text[]) with ordinality
        as told (relation_id, starts_on, ends_on, subjects, levels, place)
    offset 0
) made
cross join lateral unnest(string_to_array(made.subjects, ' '), string_to_array(made.levels, ' '))
    as of_each (subject, level)
"""


TELL_CODES = """
update organizations o set facts = coalesce(told.facts, o.facts), facts_digest = coalesce(told.digest, o.facts_digest),
    code_generation = case when told.coded then greatest(o.code_generation, 1) else o.code_generation end
from unnest($1::uuid[], $2::text[], $3::bytea[], $4::bool[]) as told (organization_id, facts, digest, coded)
where o.organization_id = told.organization_id
"""


# Plans for the arguments at hand, whose arrays are long; and whatever a portion asks, the trigger of list_versions too,
# goes by keys: a plan that reads a whole table would cost more with each portion that came before.
FOR_A_PORTION = """
set local plan_cache_mode = force_custom_plan;
set local enable_seqscan = off;
set local enable_hashjoin = off;
set local enable_mergejoin = off;
set local statement_timeout = '60s';
"""


@dataclass(frozen=True)
class Standing:
    """An organization, and the number of the last event in its file, by which whatever changes there is numbered."""

    organization_id: UUID
    sequence: int


async def plan_for_a_portion(connection: Connection) -> None:
    """For this transaction: how PostgreSQL plans, and how long it may take for what concerns thousands of rows."""
    await connection.execute(FOR_A_PORTION)


async def standing(connection: Connection, keys: Iterable[OrganizationKey]) -> dict[OrganizationKey, Standing]:
    """Which of these organizations stand, and how."""
    return _standing(await connection.fetch(STANDING, *_columns(sorted(keys), 2)))


async def lock_standing(connection: Connection, keys: Iterable[OrganizationKey]) -> dict[OrganizationKey, Standing]:
    """The same with all of them locked, in id order so that two transactions never wait for each other."""
    return _standing(await connection.fetch(LOCK_STANDING, *_columns(sorted(keys), 2)))


def _standing(rows: Iterable[Any]) -> dict[OrganizationKey, Standing]:
    return {(row["kind"], row["number"]): Standing(row["organization_id"], row["sequence"]) for row in rows}


async def known(connection: Connection, organizations: dict[OrganizationKey, UUID], portion: Portion) -> Known:
    """Everything that the rows of a portion may run into, where these organizations stand."""
    keys = {organization_id: key for key, organization_id in organizations.items()}
    rows = await connection.fetch(ORGANIZATIONS, list(keys))
    facts = {
        keys[row["organization_id"]]: Facts(
            row["legal_name"],
            tuple(row["trade_names"]),
            row["email"],
            row["language"],
            row["active"],
            tuple(row["billing_address"]),
        )
        for row in rows
    }
    codes = {keys[row["organization_id"]]: Code(row["code_generation"], row["facts_digest"]) for row in rows}
    named = sorted({(organizations[key], number) for key, number in portion.members if key in organizations})
    contacts = {
        (keys[row["organization_id"]], row["client_number"]): row["contact_id"]
        for row in await connection.fetch(CONTACTS, *_columns(named, 2))
    }
    held = defaultdict[tuple[UUID, UUID], list[Held]](list)
    holders = organizations | contacts
    asked = sorted(
        (holders[by], organizations[of]) for by, of in portion.holdings if by in holders and of in organizations
    )
    for row in await connection.fetch(HELD, *_columns(asked, 2)):
        held[row["holder_id"], row["organization_id"]].append(
            Held(
                row["relation_id"], row["type"], Period.stored(row["valid"]), row["ended"], row["through"],
                row["through_type"], row["membership"],
            )
        )  # fmt: skip
    return Known(organizations, facts, contacts, dict(held), codes)


async def add_organizations(
    connection: Connection, new: Sequence[tuple[UUID, OrganizationRow]], version: int, now: datetime
) -> None:
    """Make organizations with their names, active or not. Their event has been numbered 1, their state `version`."""
    await connection.copy_records_to_table(
        "organizations",
        records=[(organization_id, row.kind, row.number, 1, version) for organization_id, row in new],
        columns=("organization_id", "kind", "number", "sequence", "version"),
    )
    always, recorded = Range(now, None), Range(now, None)
    await connection.copy_records_to_table(
        "statuses",
        records=[(organization_id, row.status == "active", always, recorded) for organization_id, row in new],
        columns=("owner_id", "active", "during", "recorded"),
    )
    await name_organizations(connection, dict(new))


async def tell_codes(connection: Connection, facts: Mapping[UUID, SealedFacts], coded: Collection[UUID]) -> None:
    """Keep what linking alone may read, and the first generation of the codes of those who are due one."""
    told = sorted({*facts, *coded})
    if told:
        found = [facts.get(organization_id) for organization_id in told]
        await connection.execute(
            TELL_CODES,
            told,
            [one and one.sealed for one in found],
            [one and one.digest for one in found],
            [organization_id in coded for organization_id in told],
        )


async def add_contacts(connection: Connection, new: Mapping[UUID, tuple[UUID, ContactRow]], version: int) -> None:
    """Make contacts with their personal fields; their state is to be published as `version`."""
    await connection.copy_records_to_table(
        "contacts",
        records=[(contact_id, home, row.client_number, version) for contact_id, (home, row) in new.items()],
        columns=("contact_id", "organization_id", "client_number", "version"),
    )
    await describe_new(connection, {contact_id: row for contact_id, (_, row) in new.items()})


async def add_relations(connection: Connection, new: Iterable[NewRelation], now: datetime) -> None:
    """Make relations; their rights come with `grant`."""
    recorded = Range(now, None)
    await connection.copy_records_to_table(
        "relations",
        records=[
            (
                one.relation_id, 1, one.holder_kind, one.holder_id, one.holder_organization_id, one.organization_id,
                one.type, one.period.range, one.through, one.membership, one.all_rights, recorded,
            )
            for one in new
        ],
        columns=(
            "relation_id", "version", "holder_kind", "holder_id", "holder_organization_id", "organization_id", "type",
            "valid", "through", "membership", "all_rights", "recorded",
        ),
    )  # fmt: skip


async def grant(
    connection: Connection, new: Sequence[tuple[NewRelation, Grants]], granted_by: str, now: datetime
) -> None:
    """Make the rights of relations, each as long as its relation."""
    granted = [(relation, grants) for relation, grants in new if grants]
    await connection.execute(
        GRANT,
        [relation.relation_id for relation, _ in granted],
        [relation.period.starts_on for relation, _ in granted],
        [relation.period.ends_on for relation, _ in granted],
        [" ".join(one.subject for one in grants) for _, grants in granted],
        [" ".join(one.level for one in grants) for _, grants in granted],
        granted_by,
        now,
    )


async def next_sequences(connection: Connection, organization_ids: Iterable[UUID]) -> dict[UUID, tuple[str, int]]:
    """The kind of each organization and the number of its next event."""
    rows = await connection.fetch(
        "update organizations set sequence = sequence + 1 where organization_id = any($1::uuid[])"
        " returning organization_id, kind, sequence",
        list(organization_ids),
    )
    return {row["organization_id"]: (row["kind"], row["sequence"]) for row in rows}


def _columns(rows: Sequence[tuple[Any, ...]], width: int) -> list[list[Any]]:
    return [[row[place] for row in rows] for place in range(width)]
