"""Rows of attachments."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from chassis.database import Connection, lock_number
from contracts.agency.forms import AttachmentFormat
from services.authorizations.access.domain import AsProfile

COLUMNS = "attachment_id, organization_id, format, size, uploaded_at"

SERVES = """
select exists (
    select from attachments a join requests r on r.request_id = a.object_id
    where a.digest = $2 and a.attachment_id <> $1 and r.kind = 'mandate'
        and (r.outcome = 'approve' or r.state in ('signing', 'submitted', 'returned') and r.lapses_on >= $3)
)
"""


@dataclass(frozen=True)
class AttachmentRow:
    """An attachment without its content; `size` in bytes."""

    attachment_id: UUID
    organization_id: UUID
    format: AttachmentFormat
    size: int
    uploaded_at: datetime


async def add(
    connection: Connection,
    row: AttachmentRow,
    by: AsProfile | None,
    agent: str | None,
    locked: str,
    digests: Sequence[bytes],
) -> None:
    """Keep an attachment whose content is locked, of a profile or of an agent (the audit's name).

    The same content has the same digest, whichever key made it.
    """
    await connection.execute(
        "insert into attachments (attachment_id, account_id, contact_id, agent, organization_id, format, size, content,"
        " uploaded_at, digest) values ($1, $2, $3, $4, $5, $6, $7, $8, $9,"
        " coalesce((select digest from attachments where digest = any($10::bytea[]) limit 1), $11))",
        row.attachment_id, by.account_id if by else None, by.contact_id if by else None, agent, row.organization_id,
        row.format, row.size, locked, row.uploaded_at, list(digests), digests[0],
    )  # fmt: skip


async def lock_of_agent(
    connection: Connection, attachment_id: UUID, agent: str, organization_id: UUID, since: datetime
) -> bool | None:
    """Lock one that an agent has uploaded about an organization since then: whether it is unused; None: none is."""
    row = await connection.fetchrow(
        "select object_id is null as unused from attachments where attachment_id = $1 and agent = $2"
        " and organization_id = $3 and (object_id is not null or uploaded_at > $4) for update",
        attachment_id, agent, organization_id, since,
    )  # fmt: skip
    return row["unused"] if row else None


async def serves_a_mandate(connection: Connection, attachment_id: UUID, day: date) -> bool:
    """Whether the same content, uploaded another time, is the paper of a mandate that waits or was approved.

    Of two that are entered at once the second waits, and then sees the first.
    """
    digest = await connection.fetchval("select digest from attachments where attachment_id = $1", attachment_id)
    if digest is None:
        return False
    await connection.execute("select pg_advisory_xact_lock($1)", lock_number("authorizations.document", digest.hex()))
    found: bool = await connection.fetchval(SERVES, attachment_id, digest, day)
    return found


async def lock_unused(connection: Connection, ids: Sequence[UUID], by: AsProfile, since: datetime) -> int:
    """Lock those that a profile has uploaded since then and used for nothing yet; how many there are."""
    rows = await connection.fetch(
        "select from attachments where attachment_id = any($1::uuid[]) and account_id = $2 and contact_id = $3"
        " and uploaded_at > $4 and object_id is null order by attachment_id for update",
        ids, by.account_id, by.contact_id, since,
    )  # fmt: skip
    return len(rows)


async def use(connection: Connection, ids: Sequence[UUID], object_id: UUID, now: datetime) -> None:
    """From now on they belong to a request, a contact or a relation."""
    await connection.execute(
        "update attachments set object_id = $2, used_at = $3 where attachment_id = any($1::uuid[])",
        ids, object_id, now,
    )  # fmt: skip


async def get(connection: Connection, attachment_id: UUID, since: datetime) -> tuple[AttachmentRow, str] | None:
    """One that has been used since then, and its locked content."""
    row = await connection.fetchrow(
        f"select {COLUMNS}, content from attachments where attachment_id = $1 and used_at > $2", attachment_id, since
    )
    return (_row(row), row["content"]) if row else None


async def of_object(connection: Connection, object_id: UUID, since: datetime) -> list[AttachmentRow]:
    """Those that belong to something and have been used since then, in the order of their upload."""
    rows = await connection.fetch(
        f"select {COLUMNS} from attachments where object_id = $1 and used_at > $2 order by uploaded_at, attachment_id",
        object_id, since,
    )  # fmt: skip
    return [_row(row) for row in rows]


async def delete_of(connection: Connection, object_ids: Collection[UUID]) -> list[AttachmentRow]:
    """Delete those that belong to any of these."""
    rows = await connection.fetch(
        f"delete from attachments where object_id = any($1::uuid[]) returning {COLUMNS}", list(object_ids)
    )
    return [_row(row) for row in rows]


async def delete_past(
    connection: Connection, unused_before: datetime, used_before: datetime, at_most: int
) -> list[AttachmentRow]:
    """Delete some that were not used in time, or were used long ago."""
    rows = await connection.fetch(
        "delete from attachments where attachment_id in (select attachment_id from attachments"
        " where (used_at is null and uploaded_at <= $1) or used_at <= $2 limit $3 for update skip locked)"
        f" returning {COLUMNS}",
        unused_before, used_before, at_most,
    )  # fmt: skip
    return [_row(row) for row in rows]


def _row(row: Any) -> AttachmentRow:
    return AttachmentRow(**{name: row[name] for name in COLUMNS.split(", ")})
