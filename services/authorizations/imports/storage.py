"""What stands of all that a portion names, and what it makes, each in a few statements whatever its size."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from asyncpg import Range

from chassis.database import Connection
from contracts.extract import ContactRow, OrganizationRow
from services.authorizations.imports.domain import ContactKey, Facts, Held, Known, OrganizationKey
from services.authorizations.organizations.storage import ORGANIZATION
from services.authorizations.periods import Period
from services.authorizations.relations.domain import Grant, NewRelation

HELD = """
select r.relation_id, r.holder_id, r.organization_id, r.type, r.valid, r.ended_at is not null as ended, r.through,
    t.type as through_type, r.membership
from relations r
left join relations t on t.relation_id = r.through and upper_inf(t.recorded)
where upper_inf(r.recorded) and r.holder_id = any($1::uuid[]) and r.organization_id = any($2::uuid[])
order by r.relation_id
"""

CONTACTS = """
select c.contact_id, c.organization_id, c.client_number
from unnest($1::uuid[], $2::text[]) as named (organization_id, client_number)
join contacts c using (organization_id, client_number)
"""

DESCRIBE = """
insert into personal_fields
    (owner_id, legal_name, trade_names, family_name, given_name, email, telephones, language)
select owner_id, legal_name, coalesce(trade_names, '{}'), family_name, given_name, email, coalesce(telephones, '[]'),
    language
from jsonb_to_recordset($1::jsonb) as told (owner_id uuid, legal_name text, trade_names text[], family_name text,
    given_name text, email text, telephones jsonb, language text)
on conflict (owner_id) do update set legal_name = excluded.legal_name, trade_names = excluded.trade_names,
    email = excluded.email, language = excluded.language
"""


async def plan_for_these_rows(connection: Connection) -> None:
    """For this transaction: plans for the arguments at hand, whose arrays are long, and time for a whole portion."""
    await connection.execute("set local plan_cache_mode = force_custom_plan")
    await connection.execute("set local statement_timeout = '60s'")


async def organizations_named(connection: Connection, keys: Iterable[OrganizationKey]) -> dict[OrganizationKey, UUID]:
    """Ids by kind and number."""
    kinds, numbers = _columns(sorted(set(keys)), 2)
    rows = await connection.fetch(
        "select organization_id, kind, number from organizations"
        " join unnest($1::text[], $2::text[]) as named (kind, number) using (kind, number)",
        kinds, numbers,
    )  # fmt: skip
    return {(row["kind"], row["number"]): row["organization_id"] for row in rows}


async def known(
    connection: Connection, organizations: dict[OrganizationKey, UUID], members: Iterable[ContactKey]
) -> Known:
    """Everything that the rows of a portion may run into. Call it with the organizations locked."""
    keys = {organization_id: key for key, organization_id in organizations.items()}
    rows = await connection.fetch(f"{ORGANIZATION} where o.organization_id = any($1::uuid[])", list(keys))
    facts = {
        keys[row["organization_id"]]: Facts(
            row["legal_name"], tuple(row["trade_names"]), row["email"], row["language"], row["active"]
        )
        for row in rows
    }
    named = sorted({(organizations[key], number) for key, number in members if key in organizations})
    contacts = {
        (keys[row["organization_id"]], row["client_number"]): row["contact_id"]
        for row in await connection.fetch(CONTACTS, *_columns(named, 2))
    }
    held = defaultdict[tuple[UUID, UUID], list[Held]](list)
    for row in await connection.fetch(HELD, [*contacts.values(), *keys], list(keys)):
        held[row["holder_id"], row["organization_id"]].append(
            Held(
                row["relation_id"], row["type"], Period.stored(row["valid"]), row["ended"], row["through"],
                row["through_type"], row["membership"],
            )
        )  # fmt: skip
    return Known(organizations, facts, contacts, dict(held))


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
    await describe_organizations(connection, new)


async def describe_organizations(connection: Connection, told: Iterable[tuple[UUID, OrganizationRow]]) -> None:
    """Write names and addresses of organizations over what stood there."""
    await _describe(connection, [
        {
            "owner_id": str(organization_id), "legal_name": row.legal_name, "trade_names": row.trade_names,
            "email": row.email, "language": row.language,
        }
        for organization_id, row in told
    ])  # fmt: skip


async def add_contacts(connection: Connection, new: Mapping[UUID, tuple[UUID, ContactRow]], version: int) -> None:
    """Make contacts with their personal fields; their state is to be published as `version`."""
    await connection.copy_records_to_table(
        "contacts",
        records=[(contact_id, home, row.client_number, version) for contact_id, (home, row) in new.items()],
        columns=("contact_id", "organization_id", "client_number", "version"),
    )
    await _describe(connection, [
        {
            "owner_id": str(contact_id), "family_name": row.family_name, "given_name": row.given_name,
            "email": row.email, "telephones": [telephone.model_dump() for telephone in row.telephones],
            "language": row.language,
        }
        for contact_id, (_, row) in new.items()
    ])  # fmt: skip


async def add_relations(
    connection: Connection,
    new: Sequence[tuple[NewRelation, Sequence[tuple[UUID, Grant]]]],
    granted_by: str,
    now: datetime,
) -> None:
    """Make relations, and rights under the ids given."""
    recorded = Range(now, None)
    ranges = [one.period.range for one, _ in new]  # made once: each takes longer than the rest of its row
    await connection.copy_records_to_table(
        "relations",
        records=[
            (
                one.relation_id, 1, one.holder_kind, one.holder_id, one.holder_organization_id, one.organization_id,
                one.type, valid, one.through, one.membership, one.all_rights, recorded,
            )
            for (one, _), valid in zip(new, ranges, strict=True)
        ],
        columns=(
            "relation_id", "version", "holder_kind", "holder_id", "holder_organization_id", "organization_id", "type",
            "valid", "through", "membership", "all_rights", "recorded",
        ),
    )  # fmt: skip
    await connection.copy_records_to_table(
        "rights",
        records=[
            (right_id, 1, one.relation_id, grant.subject, grant.level, valid, granted_by, recorded)
            for (one, grants), valid in zip(new, ranges, strict=True)
            for right_id, grant in grants
        ],
        columns=("right_id", "version", "relation_id", "subject", "level", "valid", "granted_by", "recorded"),
    )


async def next_sequences(connection: Connection, organization_ids: Iterable[UUID]) -> dict[UUID, int]:
    """The number of the next event of each organization."""
    rows = await connection.fetch(
        "update organizations set sequence = sequence + 1 where organization_id = any($1::uuid[])"
        " returning organization_id, sequence",
        list(organization_ids),
    )
    return {row["organization_id"]: row["sequence"] for row in rows}


async def _describe(connection: Connection, told: Sequence[Mapping[str, Any]]) -> None:
    if told:
        await connection.execute(DESCRIBE, list(told))


def _columns(rows: Sequence[tuple[Any, ...]], width: int) -> list[list[Any]]:
    return [[row[place] for row in rows] for place in range(width)]
