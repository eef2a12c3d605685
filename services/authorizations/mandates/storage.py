"""Rows of mandates, and of the two sides of each."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from chassis.database import Connection, Pool
from contracts.agency.mandates import MandateSide
from contracts.events import Language
from services.authorizations.mandates.domain import Mandate, Signer

OF_MANDATE = (
    "request_id, list_id, text_version, language, delegate_language, contact_id, relation_id, right_id, revoked_at,"
    " revoked_by"
)
OF_SIDE = (
    "side_id, request_id, side, account_id, contact_id, address_state, address_reason, verified_at, signed_version,"
    " signed_at"
)


@dataclass(frozen=True)
class NewMandate:
    """A mandate about to be made, with the ids of its sides; the professional is known from the beginning."""

    request_id: UUID
    list_id: UUID | None
    language: Language
    delegate_language: Language
    professional_id: UUID
    account_id: UUID | None
    contact_id: UUID | None
    delegate_id: UUID


async def add(connection: Connection, new: NewMandate) -> None:
    """Make a mandate's rows; the request stands already."""
    await connection.execute(
        "insert into mandates (request_id, list_id, language, delegate_language) values ($1, $2, $3, $4)",
        new.request_id,
        new.list_id,
        new.language,
        new.delegate_language,
    )
    await connection.executemany(
        "insert into mandate_sides (side_id, request_id, side, account_id, contact_id) values ($1, $2, $3, $4, $5)",
        [
            (new.professional_id, new.request_id, "professional", new.account_id, new.contact_id),
            (new.delegate_id, new.request_id, "delegate", None, None),
        ],
    )


async def get(connection: Connection, request_id: UUID) -> Mandate | None:
    """A mandate by the id of its request."""
    return (await get_all(connection, [request_id])).get(request_id)


async def get_all(connection: Connection, request_ids: Iterable[UUID]) -> dict[UUID, Mandate]:
    """Mandates by the ids of their requests; those that are none are absent."""
    wanted = list(request_ids)
    rows = await connection.fetch(f"select {OF_MANDATE} from mandates where request_id = any($1::uuid[])", wanted)
    sides: dict[UUID, dict[MandateSide, Signer]] = {row["request_id"]: {} for row in rows}
    for row in await connection.fetch(
        f"select {OF_SIDE} from mandate_sides where request_id = any($1::uuid[]) order by side desc", wanted
    ):
        sides[row["request_id"]][row["side"]] = _signer(row)
    return {row["request_id"]: Mandate(**row, sides=sides[row["request_id"]]) for row in rows}


def _signer(row: Any) -> Signer:
    return Signer(**row)


async def of_list(connection: Connection, list_id: UUID) -> list[UUID]:
    """The mandates of a list, in the order in which they were asked for."""
    rows = await connection.fetch("select request_id from mandates where list_id = $1 order by request_id", list_id)
    return [row["request_id"] for row in rows]


async def note_signed(
    connection: Connection, signer: Signer, version: int, account_id: UUID | None, contact_id: UUID | None, at: datetime
) -> None:
    """A side has signed a text, as this account or contact where it is one."""
    await connection.execute(
        "update mandate_sides set signed_version = $2, signed_at = $3, account_id = coalesce($4, account_id),"
        " contact_id = coalesce($5, contact_id) where side_id = $1",
        signer.side_id, version, at, account_id, contact_id,
    )  # fmt: skip


async def note_verified(connection: Connection, signer: Signer, at: datetime) -> None:
    """A side's address is verified; which one, personal_fields says."""
    await connection.execute(
        "update mandate_sides set address_state = 'verified', verified_at = $2, address_reason = null"
        " where side_id = $1",
        signer.side_id,
        at,
    )


async def note_refused(connection: Connection, signer: Signer, reason: str) -> None:
    """A side needs another address, for a reason."""
    await connection.execute(
        "update mandate_sides set address_state = 'refused', verified_at = null, address_reason = $2"
        " where side_id = $1",
        signer.side_id,
        reason,
    )


async def new_text(connection: Connection, request_id: UUID) -> None:
    """What was signed is void: there is another text to sign."""
    await connection.execute("update mandates set text_version = text_version + 1 where request_id = $1", request_id)


async def given(connection: Connection, request_id: UUID, contact_id: UUID, relation_id: UUID, right_id: UUID) -> None:
    """What an approval gave, and to whom in the organization."""
    await connection.execute(
        "update mandates set contact_id = $2, relation_id = $3, right_id = $4 where request_id = $1",
        request_id,
        contact_id,
        relation_id,
        right_id,
    )
    await connection.execute(
        "update mandate_sides set contact_id = $2 where request_id = $1 and side = 'delegate'", request_id, contact_id
    )


async def oldest_waiting(pool: Pool, day: date) -> datetime | None:
    """When the oldest mandate was received that waits for agents; None: none waits."""
    found: datetime | None = await pool.fetchval(
        "select min(received_at) from requests where kind = 'mandate' and state = 'submitted' and lapses_on >= $1", day
    )
    return found
