"""Noting, where it happens, that somebody may be able to act for an organization no more, or is put there by an agent.

A worker looks within a second at what follows: a mark needs no lock, so that whoever follows an account or a link can
leave one. What comes with a day, it finds by itself.
"""

from collections.abc import Collection
from uuid import UUID

from chassis.work import Work
from services.authorizations.managing import storage
from services.authorizations.tools import Tools


async def note_changed(work: Work[Tools], organization_id: UUID) -> None:
    """Somebody begins or ceases to manage an organization; if an agent acts, what waits for agents may go to them."""
    await storage.note_changed(work.connection, organization_id, by_agent=work.actor.kind == "agent")


async def note_ceased(work: Work[Tools], contact_ids: Collection[UUID]) -> None:
    """These contacts are no longer who they were: a link ended, or an account was closed."""
    await storage.note_ceased(work.connection, work.tools.managing_types, contact_ids)
