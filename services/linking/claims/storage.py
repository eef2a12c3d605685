"""Rows of claims."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from chassis.database import Connection, Pool
from services.linking.claims.domain import Claim, Decider, Outcome

ADD = """
insert into claims (claim_id, account_id, organization_id, method, capacity, made_at, lapses_on)
values ($1, $2, $3, $4, $5, $6, $7)
"""

OF_ACCOUNT = """
select c.claim_id, c.account_id, c.organization_id, o.name as organization_name, o.number as organization_number,
    c.method, c.capacity, c.made_at, c.lapses_on, c.version, c.decider, c.request_id, c.outcome, c.decision_reason,
    c.decided_at
from claims c join organizations o using (organization_id) where c.claim_id = $2 and c.account_id = $1
"""

OPEN = "select claim_id from claims where account_id = $1 and organization_id = $2 and outcome is null"

LAPSE = """
update claims set outcome = 'lapsed', decided_at = $4, version = version + 1
where account_id = $1 and organization_id = $2 and outcome is null and lapses_on < $3
"""

# What was asked before is no news once it is decided.
ASKED = """
update claims set decider = $2, request_id = $3, lapses_on = $4, version = version + 1
where claim_id = $1 and outcome is null
"""

# Whoever was appointed is an administrator, also where the decision that led to it is told first.
DECIDED = """
update claims set outcome = $2, decision_reason = $3, decided_at = $4, version = version + 1
where claim_id = $1 and (outcome is null or outcome = 'granted' and $2 = 'administrator')
returning account_id, old.outcome is null as is_news
"""

METHODS_IN_USE = "select distinct method from claims"

CAPACITIES_IN_USE = "select distinct capacity from claims"


async def methods_in_use(pool: Pool) -> list[str]:
    """Codes of the linking methods that claims name."""
    return [row["method"] for row in await pool.fetch(METHODS_IN_USE)]


async def capacities_in_use(pool: Pool) -> list[str]:
    """Codes of what people said to be."""
    return [row["capacity"] for row in await pool.fetch(CAPACITIES_IN_USE)]


@dataclass(frozen=True)
class NewClaim:
    """A claim about to be made; after `lapses_on` nobody can decide it."""

    claim_id: UUID
    account_id: UUID
    organization_id: UUID
    method: str
    capacity: str
    lapses_on: date


async def add(connection: Connection, new: NewClaim, now: datetime) -> None:
    """Make a claim. A second open one of the account there breaks a unique index, and the handler runs again."""
    values = (new.claim_id, new.account_id, new.organization_id, new.method, new.capacity, now, new.lapses_on)
    await connection.execute(ADD, *values)


async def of_account(connection: Connection, account_id: UUID, claim_id: UUID) -> Claim | None:
    """A claim of the account."""
    row = await connection.fetchrow(OF_ACCOUNT, account_id, claim_id)
    return Claim(**row) if row else None


async def open_claim(connection: Connection, account_id: UUID, organization_id: UUID) -> UUID | None:
    """The account's claim to the organization that is not decided; also one past its last day."""
    found: UUID | None = await connection.fetchval(OPEN, account_id, organization_id)
    return found


async def lapse(connection: Connection, account_id: UUID, organization_id: UUID, day: date, now: datetime) -> None:
    """End the account's claim to the organization where its last day is over, whoever has yet to tell so."""
    await connection.execute(LAPSE, account_id, organization_id, day, now)


async def asked(connection: Connection, claim_id: UUID, decider: Decider, request_id: UUID, lapses_on: date) -> None:
    """Others decide it, until that day."""
    await connection.execute(ASKED, claim_id, decider, request_id, lapses_on)


async def decided(
    connection: Connection, claim_id: UUID, outcome: Outcome, reason: str | None, now: datetime
) -> UUID | None:
    """It has ended; nothing when it had. Whose claim it was, where it has ended by this."""
    row = await connection.fetchrow(DECIDED, claim_id, outcome, reason, now)
    return row["account_id"] if row and row["is_news"] else None


async def versions(pool: Pool, claim_ids: Sequence[UUID]) -> list[int]:
    """The version of each claim, 0 for one that does not exist."""
    rows = await pool.fetch("select claim_id, version from claims where claim_id = any($1::uuid[])", list(claim_ids))
    found = {row["claim_id"]: row["version"] for row in rows}
    return [found.get(claim_id, 0) for claim_id in claim_ids]
