"""An import's next portion, read and judged while the one before is written."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from types import TracebackType
from typing import Self
from uuid import UUID

from chassis.work import Unit
from services.authorizations.imports import staging, storage
from services.authorizations.imports.domain import Judged, OrganizationKey, Portion
from services.authorizations.imports.judging import Judging
from services.authorizations.imports.staging import ImportRow
from services.authorizations.imports.storage import Standing
from services.authorizations.tools import Tools


@dataclass(frozen=True)
class JudgedAhead:
    """What a portion came to before its organizations were locked: it counts if they still stand so on the same day.

    Whatever changes in an organization's file is numbered (services/authorizations/organizations/).
    """

    judged: Judged
    standing: Mapping[OrganizationKey, Standing]
    today: date


@dataclass(frozen=True)
class Prepared:
    """A portion, and what it came to if it could be judged ahead."""

    portion: Portion
    before: JudgedAhead | None = None


class Ahead:
    """Prepares one portion ahead, on a connection of its own.

    What it read counts only if the import's row, locked, still names that portion as the next: rows of a portion never
    change, and leave with it. What it judged counts only if the organizations, locked, still stand as they stood then.
    """

    def __init__(self, unit: Unit[Tools]) -> None:
        self._unit = unit
        self._preparing: dict[tuple[UUID, int], asyncio.Task[Prepared]] = {}  # one, or none

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._forget()

    async def portion(self, found: ImportRow) -> Prepared:
        """The import's next portion."""
        preparing = self._preparing.pop((found.import_id, found.next_portion), None)
        await self._forget()
        return await (preparing or self._read(found.import_id, found.next_portion))

    def prepare_following(self, found: ImportRow, current: Portion) -> None:
        """Begin with the portion after the import's next one, which is in hand."""
        if (following := found.next_portion + 1) != found.portions:
            self._preparing[found.import_id, following] = asyncio.create_task(self._prepare(found, following, current))

    async def _read(self, import_id: UUID, portion: int) -> Prepared:
        return Prepared(await staging.portion_at(self._unit.pool, import_id, portion))

    async def _prepare(self, found: ImportRow, following: int, current: Portion) -> Prepared:
        """Whatever a portion makes is in the files of those that its rows are about.

        So one that names none of them can be judged by what stood before. The rows that a dry run would have made are
        known only after it has judged them.
        """
        unit = self._unit
        async with (
            unit.pool.acquire() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            await storage.plan_for_a_portion(connection)
            portion = await staging.portion_at(connection, found.import_id, following)
            if found.dry_run or not portion.organizations.isdisjoint(current.about):
                return Prepared(portion)
            today = unit.tools.moment(unit.origin.clock()).day
            standing = await storage.standing(connection, portion.organizations)
            judged = await Judging(unit.tools, today, unit.origin.new_id).judge(connection, found, portion, standing)
        return Prepared(portion, JudgedAhead(judged, standing, today))

    async def _forget(self) -> None:
        for task in self._preparing.values():
            task.cancel()
        await asyncio.gather(*self._preparing.values(), return_exceptions=True)
        self._preparing.clear()
