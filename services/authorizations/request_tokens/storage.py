"""Rows of request_tokens: one for each side of a request to which a mail leads."""

from collections.abc import Sequence
from typing import Literal
from uuid import UUID

from chassis.database import Connection

TokenSide = Literal["invited", "professional", "delegate"]
"""As whom a mail's reader comes to the request: as whoever is invited, or as a side of a mandate."""


async def replace(connection: Connection, request_id: UUID, side: TokenSide, digest: bytes) -> None:
    """The side's mail leads by this token from now on, and no older one by its own."""
    await connection.execute(
        "insert into request_tokens (request_id, side, digest) values ($1, $2, $3)"
        " on conflict (request_id, side) do update set digest = excluded.digest",
        request_id, side, digest,
    )  # fmt: skip


async def request_of(connection: Connection, side: TokenSide, digests: Sequence[bytes]) -> UUID | None:
    """The request to which a token leads, as this side."""
    found: UUID | None = await connection.fetchval(
        "select request_id from request_tokens where digest = any($1::bytea[]) and side = $2", list(digests), side
    )
    return found


async def forget(connection: Connection, request_id: UUID) -> None:
    """No mail leads to the request any more."""
    await connection.execute("delete from request_tokens where request_id = $1", request_id)


async def forget_side(connection: Connection, request_id: UUID, side: TokenSide) -> None:
    """No mail leads one side to the request any more."""
    await connection.execute("delete from request_tokens where request_id = $1 and side = $2", request_id, side)
