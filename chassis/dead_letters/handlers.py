"""Looking at dead letters, which is audited too: what a letter holds is somebody's."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from chassis import pages
from chassis.dead_letters import storage, views
from chassis.dead_letters.masking import event_id_of
from chassis.dead_letters.storage import Choice
from chassis.dead_letters.views import LetterDetail, LetterView
from chassis.outcomes import Refusal
from chassis.pages import Page
from chassis.work import Work


@dataclass(frozen=True)
class Asked:
    """A page of the chosen letters."""

    choice: Choice
    cursor: str | None
    limit: int


@dataclass(frozen=True)
class Listed:
    """What was found."""

    page: Page
    letters: list[LetterView]


async def list_letters(work: Work[Any], asked: Asked) -> Listed | Refusal:
    """The chosen letters, oldest first."""
    found = await pages.fetch(work.connection, storage.listing(asked.choice), asked.cursor, asked.limit)
    if isinstance(found, Refusal):
        return found
    choice = asked.choice
    work.audit("dead_letter.listed", consumer=choice.consumer, key=_audited(choice.key), shown=len(found.rows))
    return Listed(found, [views.view(storage.of_row(row)) for row in found.rows])


def _audited(key: str | None) -> str | None:
    """What was typed as a key, where it is an identifier; it may be an address, which the audit must not keep."""
    if key is None:
        return None
    try:
        return str(UUID(key))
    except ValueError:
        return "not an identifier"


async def show(work: Work[Any], letter_id: int) -> LetterDetail | Refusal:
    """One letter, masked."""
    parked = await storage.find(work.connection, letter_id)
    if parked is None:
        return Refusal("not_found")
    work.audit("dead_letter.shown", object_id=event_id_of(parked.letter), letter=letter_id)
    return views.detail(parked, await storage.earlier(work.connection, parked))
