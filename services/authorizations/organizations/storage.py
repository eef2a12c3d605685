"""Rows of organizations, their names and their status."""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from chassis.database import Connection
from contracts.events import Code, Language
from services.authorizations.statuses import active

COLUMNS = f"""
o.organization_id, o.kind, o.number, o.version, p.legal_name, p.trade_names, p.email, p.language,
    {active("o.organization_id", at=None)} as active
"""

WITH_NAMES = "from organizations o join personal_fields p on p.owner_id = o.organization_id"

ORGANIZATION = f"select {COLUMNS} {WITH_NAMES}"

# What only linking is told, beside the organization: for letters, claims and codes.
FOR_LINKING = f"select p.billing_address, o.facts, o.code_generation {WITH_NAMES} where o.organization_id = $1"


@dataclass(frozen=True)
class OrganizationRow:
    """One organization as it stands."""

    organization_id: UUID
    kind: str
    number: str
    version: int
    legal_name: str
    trade_names: list[str]
    email: str | None
    language: Language
    active: bool

    @property
    def portal(self) -> Code | None:
        """Where a mail to its address on file leads: to the agency's first portal, as nobody there began anywhere."""
        return None


@dataclass(frozen=True)
class ForLinking:
    """What an organization's state says for linking alone; `facts` are sealed to it."""

    billing_address: tuple[str, ...]
    facts: str | None = field(repr=False)
    code_generation: int


async def lock(connection: Connection, organization_ids: Iterable[UUID]) -> None:
    """Lock organizations, in id order so that two transactions never wait for each other."""
    await connection.execute(
        "select from organizations where organization_id = any($1::uuid[]) order by organization_id for update",
        sorted(set(organization_ids)),
    )


async def lock_number(connection: Connection, kind: str, number: str) -> None:
    """Keep others from making the same organization at the same moment."""
    await connection.execute("select pg_advisory_xact_lock(hashtextextended($1, 0))", f"{kind}:{number}")


async def find(connection: Connection, kind: str, number: str) -> OrganizationRow | None:
    """The organization of a kind with a number."""
    row = await connection.fetchrow(f"{ORGANIZATION} where o.kind = $1 and o.number = $2", kind, number)
    return OrganizationRow(**row) if row else None


async def ids(connection: Connection, numbers: Collection[tuple[str, str]]) -> dict[tuple[str, str], UUID]:
    """Organizations' ids by kind and number; those that do not exist are absent."""
    kinds, numbered = zip(*numbers, strict=True)
    rows = await connection.fetch(
        "select o.kind, o.number, o.organization_id from organizations o"
        " join unnest($1::text[], $2::text[]) as asked (kind, number) using (kind, number)",
        kinds,
        numbered,
    )
    return {(row["kind"], row["number"]): row["organization_id"] for row in rows}


async def with_number(connection: Connection, number: str) -> list[OrganizationRow]:
    """Every organization with a number, of whatever kind."""
    rows = await connection.fetch(f"{ORGANIZATION} where o.number = $1 order by o.kind", number)
    return [OrganizationRow(**row) for row in rows]


async def with_names(
    connection: Connection, words: Sequence[str], kind: str | None, limit: int
) -> list[OrganizationRow]:
    """Organizations whose legal and trade names hold every word, whatever its accents and case; by legal name."""
    patterns = [re.sub(r"([\\%_])", r"\\\1", word) for word in words]
    holds = " and ".join(
        f"names_folded(p.legal_name, p.trade_names) like folded('%' || ${place}::text || '%')"
        for place, _ in enumerate(patterns, start=3)
    )
    rows = await connection.fetch(
        f"{ORGANIZATION} where p.legal_name is not null and {holds} and ($1::text is null or o.kind = $1)"
        " order by p.sorted_name, o.organization_id limit $2",
        kind,
        limit,
        *patterns,
    )
    return [OrganizationRow(**row) for row in rows]


async def get(connection: Connection, organization_ids: Iterable[UUID]) -> dict[UUID, OrganizationRow]:
    """Organizations by id; unknown ids are absent."""
    rows = await connection.fetch(f"{ORGANIZATION} where o.organization_id = any($1::uuid[])", list(organization_ids))
    return {row["organization_id"]: OrganizationRow(**row) for row in rows}


async def one(connection: Connection, organization_id: UUID) -> OrganizationRow:
    """An organization that there is."""
    return (await get(connection, [organization_id]))[organization_id]


async def for_linking(connection: Connection, organization_id: UUID) -> ForLinking:
    """What an organization's state says for linking alone."""
    row = await connection.fetchrow(FOR_LINKING, organization_id)
    assert row is not None
    return ForLinking(tuple(row["billing_address"]), row["facts"], row["code_generation"])


async def raise_code_generation(connection: Connection, organization_id: UUID) -> None:
    """Ask linking for one more organization code; nothing where the organization has none."""
    await connection.execute(
        "update organizations set code_generation = code_generation + 1"
        " where organization_id = $1 and code_generation > 0",
        organization_id,
    )


async def next_sequence(connection: Connection, organization_id: UUID) -> int:
    """The number of the organization's next event; holds its row until the transaction ends."""
    number: int = await connection.fetchval(
        "update organizations set sequence = sequence + 1 where organization_id = $1 returning sequence",
        organization_id,
    )
    return number
