"""What is known of an account and an organization before one becomes a contact of the other."""

from uuid import UUID

from chassis.database import Connection
from services.authorizations.statuses import active


async def is_active(connection: Connection, owner_id: UUID) -> bool:
    """Whether an account or an organization is active, by the last status that is known."""
    found: bool = await connection.fetchval(f"select {active('$1::uuid', at=None)}", owner_id)
    return found
