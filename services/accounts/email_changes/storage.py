"""The table `email_changes`. `people` holds the other address of each change under the change's own id."""

from datetime import datetime
from uuid import UUID

from chassis.database import Connection
from services.accounts.email_changes.domain import Change

COLUMNS = """
change_id, account_id, requested_at, code_digest, code_expires_at, tries, changed_at, undo_until, closed_at
"""
INSERT = f"insert into email_changes ({COLUMNS}) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
COUNT_TRY = f"""
update email_changes set tries = tries + 1 where change_id = $1 and account_id = $2 and tries < $3 returning {COLUMNS}
"""
CHANGED = """
update email_changes set changed_at = $2, undo_digest = $3, undo_until = $4,
    former_password_hash = (select password_hash from accounts where accounts.account_id = email_changes.account_id)
where change_id = $1
"""
COUNT_UNDO_TRY = """
update email_changes set undo_tries = undo_tries + 1 where undo_digest = $1 and undo_tries < $2
returning account_id, former_password_hash
"""
FIRST_TO_UNDO = f"""
select {COLUMNS} from email_changes where account_id = $1 and changed_at is not null and closed_at is null
    and undo_until > $2
order by changed_at limit 1
"""
BY_TOKEN = f"select {COLUMNS} from email_changes where undo_digest = $1"
# A later change is void with the one that is undone: what leads to an address that was not the owner's leads nowhere.
CLOSE_FROM = (
    "update email_changes set closed_at = $3 where account_id = $1 and requested_at >= $2 and closed_at is null"
)
CLOSE_UNVERIFIED = """
update email_changes set closed_at = $2 where account_id = $1 and changed_at is null and closed_at is null
"""
FORGET = """
with gone as (
    delete from email_changes
    where closed_at < $1 or undo_until < $1 or (changed_at is null and requested_at < $1)
    returning change_id
)
delete from people using gone where people.account_id = gone.change_id
"""


async def insert(connection: Connection, change: Change) -> None:
    """Keep a change that was asked for."""
    await connection.execute(
        INSERT,
        change.change_id,
        change.account_id,
        change.requested_at,
        change.code_digest,
        change.code_expires_at,
        change.tries,
        change.changed_at,
        change.undo_until,
        change.closed_at,
    )


async def count_try(connection: Connection, change_id: UUID, account_id: UUID, most: int) -> Change | None:
    """Count one try of the account's own change. None when it has had `most`, or is not the account's."""
    row = await connection.fetchrow(COUNT_TRY, change_id, account_id, most)
    return Change(**row) if row else None


async def changed(
    connection: Connection, change_id: UUID, now: datetime, undo_digest: bytes, undo_until: datetime
) -> None:
    """The code is spent; the token, with the password that the account has now, may undo the change."""
    await connection.execute(CHANGED, change_id, now, undo_digest, undo_until)


async def count_undo_try(connection: Connection, undo_digest: bytes, most: int) -> tuple[UUID, str | None] | None:
    """Count one try. Whose address the token would change back, and the hash of the password that goes with it.

    None when the token has had `most`, or is nobody's.
    """
    row = await connection.fetchrow(COUNT_UNDO_TRY, undo_digest, most)
    return (row["account_id"], row["former_password_hash"]) if row else None


async def by_token(connection: Connection, undo_digest: bytes) -> Change:
    """The change that a token undoes, of an account that is locked."""
    row = await connection.fetchrow(BY_TOKEN, undo_digest)
    assert row is not None
    return Change(**row)


async def first_to_undo(connection: Connection, account_id: UUID, now: datetime) -> Change | None:
    """The oldest change that can still be undone, of an account that is locked: later ones are void with it."""
    row = await connection.fetchrow(FIRST_TO_UNDO, account_id, now)
    return Change(**row) if row else None


async def close_from(connection: Connection, account_id: UUID, requested_at: datetime, now: datetime) -> None:
    """No code or token of the account's changes asked for from then on works any more."""
    await connection.execute(CLOSE_FROM, account_id, requested_at, now)


async def close_unverified(connection: Connection, account_id: UUID, now: datetime) -> None:
    """No code of the account's changes works any more."""
    await connection.execute(CLOSE_UNVERIFIED, account_id, now)


async def forget(connection: Connection, before: datetime) -> None:
    """Delete what was over, or could no longer be undone, before; and the addresses with it."""
    await connection.execute(FORGET, before)
