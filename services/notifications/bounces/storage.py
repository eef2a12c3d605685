"""The mail that a report is about: SQL on the table of mails."""

from dataclasses import dataclass
from uuid import UUID

from chassis.database import Connection
from services.notifications.mails.domain import Standing, State

HOLD = """
select recipient_id, kind, priority, sealed, address_digest, state, state_at, due_at, attempts, reason
from mails where delivery_id = $1
for update
"""


@dataclass(frozen=True)
class ReportedMail:
    """A mail whose row is locked. Its address is under the seal or, once it was opened, known by digest."""

    delivery_id: UUID
    recipient_id: UUID
    kind: str
    priority: int
    sealed: str | None
    address_digest: bytes | None
    standing: Standing


async def hold(connection: Connection, delivery_id: UUID) -> ReportedMail | None:
    """Lock a mail."""
    row = await connection.fetchrow(HOLD, delivery_id)
    if row is None:
        return None
    standing = Standing(State(row["state"]), row["state_at"], row["due_at"], row["attempts"], row["reason"])
    columns = {name: row[name] for name in ("recipient_id", "kind", "priority", "sealed", "address_digest")}
    return ReportedMail(delivery_id=delivery_id, standing=standing, **columns)
