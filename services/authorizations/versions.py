"""The versions of the states that this service publishes; readers keep the state with the highest."""

from typing import Literal
from uuid import UUID

from chassis.database import Connection

KEYS = {"contacts": "contact_id", "organizations": "organization_id"}


async def next_version(
    connection: Connection, table: Literal["contacts", "organizations"], identity: UUID, least: int
) -> int:
    """The version of the next state of one row: higher than its last, and at least so high."""
    number: int = await connection.fetchval(
        f"update {table} set version = greatest(version + 1, $2) where {KEYS[table]} = $1 returning version",
        identity,
        least,
    )
    return number
