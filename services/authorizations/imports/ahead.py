"""An import's next portion, read while the one before is written."""

import asyncio
from types import TracebackType
from typing import Self
from uuid import UUID

from chassis.database import Pool
from services.authorizations.imports import staging
from services.authorizations.imports.domain import Portion
from services.authorizations.imports.staging import ImportRow


class Ahead:
    """Reads one portion ahead, on a connection of its own.

    What it read counts only if the import's row, locked, still names that portion as the next: rows of a portion never
    change, and leave with it.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._reading: dict[tuple[UUID, int], asyncio.Task[Portion]] = {}  # one, or none

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._forget()

    async def portion(self, found: ImportRow) -> Portion:
        """The import's next portion."""
        reading = self._reading.pop((found.import_id, found.next_portion), None)
        await self._forget()
        if reading is None:
            reading = self._read(found.import_id, found.next_portion)
        return await reading

    def read_next(self, found: ImportRow) -> None:
        """Begin to read the portion after the import's next one."""
        if found.next_portion + 1 != found.portions:
            following = (found.import_id, found.next_portion + 1)
            self._reading[following] = self._read(*following)

    def _read(self, import_id: UUID, portion: int) -> "asyncio.Task[Portion]":
        return asyncio.create_task(staging.portion_at(self._pool, import_id, portion))

    async def _forget(self) -> None:
        for task in self._reading.values():
            task.cancel()
        await asyncio.gather(*self._reading.values(), return_exceptions=True)
        self._reading.clear()
