"""Printing letters, and showing what was printed (agents). Whoever sees a letter reads a code: each is audited."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from asyncpg import Record

from chassis.outcomes import Refusal
from chassis.work import Work
from services.linking.letters import storage
from services.linking.letters.domain import Addressed
from services.linking.organizations.storage import organization_of
from services.linking.tools import Tools

LATEST = 50
"""Printings that a list shows."""


@dataclass(frozen=True)
class Print:
    """Print the letters of these organizations, or for None all that are due and have an address, up to a bound."""

    organization_ids: tuple[UUID, ...] | None


@dataclass(frozen=True)
class Printed:
    """When letters were printed together, and how many."""

    printing_id: UUID
    printed_at: datetime
    letters: int


@dataclass(frozen=True)
class Overview:
    """How many letters are due, how many have no address to go to, and the latest printings."""

    due: int
    without_address: int
    printings: Sequence[Printed]


async def print_letters(work: Work[Tools], asked: Print) -> UUID | Refusal:
    """Make a printing, whose letters are no longer due. Refusals: too_many_letters, nothing_to_print."""
    allowed = work.tools.agency.limits.organization_codes
    if allowed is None:
        return Refusal("nothing_to_print")
    if asked.organization_ids is None:
        rows = await storage.lock_due(work.connection, allowed.letters_at_once)
    elif len(asked.organization_ids) > allowed.letters_at_once:
        return Refusal("too_many_letters", {"limit": allowed.letters_at_once})
    else:
        rows = await storage.lock_named(work.connection, asked.organization_ids)
    if not rows:
        return Refusal("nothing_to_print")
    work.take_time()
    printing_id = work.new_id()
    printed = [(row["organization_id"], row["issue"]) for row in rows]
    await storage.add_printing(work.connection, printing_id, work.now, work.actor.reference, printed)
    work.audit("letters_printed", object_id=printing_id, letters=len(rows))
    return printing_id


async def show_overview(work: Work[Tools], _: None) -> Overview:
    """What is to be printed, and what was."""
    rows = await storage.printings(work.connection, LATEST)
    due, without_address = await storage.how_many_due(work.connection)
    return Overview(due, without_address, [Printed(**row) for row in rows])


async def show_printing(work: Work[Tools], printing_id: UUID) -> Printed | Refusal:
    """One printing, without its letters. Refusal: not_found."""
    row = await storage.printing(work.connection, printing_id)
    return Printed(**row) if row else Refusal("not_found")


async def letters_of(work: Work[Tools], printing_id: UUID) -> list[Addressed] | Refusal:
    """The letters of a printing whose codes still live. Refusal: not_found."""
    if await storage.printing(work.connection, printing_id) is None:
        return Refusal("not_found")
    rows = await storage.of_printing(work.connection, printing_id)
    return [_read(work, row, printing_id=str(printing_id)) for row in rows]


async def letter_of(work: Work[Tools], organization_id: UUID) -> list[Addressed] | Refusal:
    """The letter of one organization, which stays due if it was. Refusal: not_found."""
    row = await storage.code_of(work.connection, organization_id)
    return Refusal("not_found") if row is None else [_read(work, row)]


def _read(work: Work[Tools], row: Record, **noted: str) -> Addressed:
    organization = organization_of(row)
    work.audit(
        "organization_letter_viewed",
        organization_id=organization.organization_id,
        object_id=organization.organization_id,
        issue=row["issue"],
        **noted,
    )
    return Addressed(
        organization=organization,
        billing_address=tuple(row["billing_address"]),
        language=row["language"],
        issue=row["issue"],
        code=work.tools.vault.unlock(row["kept"]).decode(),
    )
