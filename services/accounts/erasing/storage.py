"""Every table that knows an account's person, in the order in which rows lean on each other.

A user name stays, without a password: it was drawn, says nothing of the person, and is never given twice.
"""

from datetime import datetime
from uuid import UUID

from chassis.database import Connection

# `people` has a row under the account's id, and one under that of each change of address.
PEOPLE = """
delete from people where account_id = $1
    or account_id in (select change_id from email_changes where account_id = $1)
"""
REFRESH_TOKENS = (
    "delete from refresh_tokens where session_id in (select session_id from sessions where account_id = $1)"
)
OWN = ("email_changes", "password_resets", "sessions", "door_identities", "sightings", "suspicions")
RELEASE_CREDENTIALS = "update credentials set account_id = null where account_id = $1"
MARK = """
update accounts set password_hash = $2, temporary_until = null, unlinked_since = null, erased_at = $3
where account_id = $1
"""


async def erase(connection: Connection, account_id: UUID, no_password: str, now: datetime) -> None:
    """Delete what says who the person is and how they signed in; the account's id and dates stay, with no password."""
    await connection.execute(PEOPLE, account_id)
    await connection.execute(REFRESH_TOKENS, account_id)
    for table in OWN:
        await connection.execute(f"delete from {table} where account_id = $1", account_id)
    await connection.execute(RELEASE_CREDENTIALS, account_id)
    await connection.execute(MARK, account_id, no_password, now)
