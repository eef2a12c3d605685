"""What the table `accounts` says of links: since when there was none, and whether its person was told."""

from datetime import datetime
from uuid import UUID

from chassis.database import Connection
from services.accounts.people.domain import Account
from services.accounts.people.storage import COLUMNS

LINKED = "update accounts set unlinked_since = null where account_id = $1 and unlinked_since is not null"
# Several workers may look at once: each takes what no other has in hand.
TELL = """
with due as (
    select account_id from accounts
    where status = 'active' and unlinked_since <= $1 and lapse_told_at is null
    order by unlinked_since limit $3 for update skip locked
)
update accounts set lapse_told_at = $2 from due where accounts.account_id = due.account_id
returning accounts.account_id, unlinked_since
"""
OVERDUE = f"""
select {COLUMNS} from accounts where status = 'active' and unlinked_since <= $1 and lapse_told_at <= $2
order by unlinked_since limit $3 for update skip locked
"""


async def linked(connection: Connection, account_id: UUID) -> None:
    """The account has been linked to a file."""
    await connection.execute(LINKED, account_id)


async def tell(
    connection: Connection, unlinked_before: datetime, now: datetime, most: int
) -> list[tuple[UUID, datetime]]:
    """Note that the persons of unlinked accounts are told now. Returns whose, and since when each is unlinked."""
    rows = await connection.fetch(TELL, unlinked_before, now, most)
    return [(row["account_id"], row["unlinked_since"]) for row in rows]


async def overdue(connection: Connection, unlinked_before: datetime, told_before: datetime, most: int) -> list[Account]:
    """Unlinked accounts whose persons were told long enough ago, ours until the transaction ends."""
    return [Account(**row) for row in await connection.fetch(OVERDUE, unlinked_before, told_before, most)]
