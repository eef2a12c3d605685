"""Rows of attestations."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from chassis.database import Connection


async def keep(connection: Connection, rows: Iterable[tuple[UUID, UUID, UUID, str, int, str, str, datetime]]) -> None:
    """Keep what was ticked: account, contact, object, code, version, language, text, instant."""
    await connection.executemany(
        "insert into attestations (account_id, contact_id, object_id, code, version, language, text, at)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8)",
        list(rows),
    )
