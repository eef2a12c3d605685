"""Reviews of misuse, each with its evidence; and whom a report names."""

from dataclasses import replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from chassis.database import Connection, Pool, lock_number
from services.authorizations.dated import known
from services.authorizations.misuse.domain import AskedMisuse, Evidence, Named

COLUMNS = "evidence_id, kind, code, by, organization_id, mandate_id, at, seen"

OPEN = """
select request_id from requests
where kind = 'review' and reason = 'misuse' and asked = $1::jsonb and state = 'submitted' and lapses_on >= $2 limit 1
"""
ADD = f"""
insert into misuse_evidence (request_id, {COLUMNS})
select $1, $2, $3, $4, $5, $6, $7, $8, $9
where (select count(*) from misuse_evidence where request_id = $1) < $10
"""

LINKED = f"{known('b')} and upper_inf(b.during)"

OF_CONTACT = f"""
select c.contact_id, c.organization_id,
    (select b.account_id from bindings b where b.contact_id = c.contact_id and {LINKED}) as account_id
from contacts c where c.contact_id = $1
"""
OF_MANDATE = "select contact_id from mandates where request_id = $1"
OF_ACCOUNT = f"""
select $1::uuid as account_id, c.contact_id, c.organization_id from bindings b join contacts c using (contact_id)
where b.account_id = $1 and {LINKED} and c.organization_id = $2
"""

CLOSED_SINCE = f"""
select exists (select from statuses s where s.owner_id = $1 and {known("s")} and not s.active
    and coalesce(upper(s.during), 'infinity') > $2)
"""
PAST_KEEPING = """
select e.evidence_id from misuse_evidence e join requests using (request_id)
    join personal_fields p on p.owner_id = e.evidence_id
where settled_at < $1 limit $2
"""


async def lock(connection: Connection, subject: UUID) -> None:
    """Keep whatever else is told of the misuse of this account, or contact, out until the transaction ends."""
    await connection.execute("select pg_advisory_xact_lock($1)", lock_number("authorizations.misuse", str(subject)))


async def open_review(connection: Connection, asked: AskedMisuse, day: date) -> UUID | None:
    """The review that waits about the same."""
    found: UUID | None = await connection.fetchval(OPEN, asked.model_dump(mode="json", exclude_defaults=True), day)
    return found


async def add(connection: Connection, request_id: UUID, evidence: Evidence, most: int) -> bool:
    """Add a piece of evidence to a review that is locked. False when that has as much as is kept."""
    done = await connection.execute(
        ADD, request_id, evidence.evidence_id, evidence.kind, evidence.code, evidence.by, evidence.organization_id,
        evidence.mandate_id, evidence.at, evidence.seen, most,
    )  # fmt: skip
    return done.endswith(" 1")


async def evidence(connection: Connection, request_id: UUID) -> list[Evidence]:
    """What a review rests on, in the order in which it came."""
    rows = await connection.fetch(
        f"select {COLUMNS} from misuse_evidence where request_id = $1 order by at, evidence_id", request_id
    )
    return [Evidence(**row) for row in rows]


async def of_contact(connection: Connection, contact_id: UUID) -> Named | None:
    """A contact, with the account that it is."""
    return _named(await connection.fetchrow(OF_CONTACT, contact_id))


async def of_mandate(connection: Connection, mandate_id: UUID) -> Named | None:
    """The contact whom a mandate made use a service for others, with the account that it is."""
    contact_id = await connection.fetchval(OF_MANDATE, mandate_id)
    named = await of_contact(connection, contact_id) if contact_id else None
    return named and replace(named, mandate_id=mandate_id)


async def of_account(connection: Connection, account_id: UUID, organization_id: UUID) -> Named | None:
    """An account, as a contact of an organization."""
    return _named(await connection.fetchrow(OF_ACCOUNT, account_id, organization_id))


async def was_closed_since(connection: Connection, account_id: UUID, since: datetime) -> bool:
    """Whether the account is closed, or was at any time since the instant."""
    return bool(await connection.fetchval(CLOSED_SINCE, account_id, since))


async def past_keeping(pool: Pool, ended_before: datetime, limit: int) -> list[UUID]:
    """Evidence with a person's words, of reviews that ended so long ago that these are no longer needed."""
    return [row["evidence_id"] for row in await pool.fetch(PAST_KEEPING, ended_before, limit)]


def _named(row: Any) -> Named | None:
    return Named(**row) if row is not None else None
