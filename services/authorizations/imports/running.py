"""Receiving an extract and carrying it out, many transactions one after another."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Callable, Sequence
from datetime import timedelta
from functools import partial
from itertools import islice
from pathlib import Path
from uuid import UUID

import structlog

from chassis.chores import Chore, repeatedly
from chassis.database import neighbour_failed
from chassis.telemetry import described
from chassis.work import Actor, Unit
from services.authorizations import metrics
from services.authorizations.imports import staging
from services.authorizations.imports.ahead import Ahead
from services.authorizations.imports.facts import sealing
from services.authorizations.imports.handlers import (
    Received,
    Turn,
    carry_out_portion,
    close_import,
    end_unfinished,
    forget_defects,
    give_up,
    note_failure,
    open_import,
    stage,
)
from services.authorizations.imports.reading import Read, Reader
from services.authorizations.imports.staging import ImportRow
from services.authorizations.tools import Tools

log = structlog.get_logger()

STAGED_TOGETHER = 5_000  # rows of one COPY: some 2 MB
CHUNK = 256 * 1024  # bytes read of a file at once
LOOK_EVERY = 1.0  # seconds between two looks for an import that waits
FORGET_EVERY = 3600.0  # seconds
AFTER_FAILURE = timedelta(minutes=1)  # others go first, and what was wrong has time to pass
OTHERS_TURN = 0.2  # seconds to leave a portion to another process that has it in hand


async def receive(unit: Unit[Tools], chunks: AsyncIterable[bytes | None], actor: Actor, *, dry_run: bool) -> UUID:
    """Stage an extract as its bytes come; None between two chunks ends a file. Returns the import's id.

    Raises ExtractRefused, and forgets what it had staged, when a file is refused or breaks off.
    """
    import_id = (await unit.run(open_import, dry_run, actor)).outcome
    try:
        staged = 0
        async for rows in _read(chunks, sealing(unit.tools)):
            await unit.run(stage, Received(import_id, staged, rows), actor)
            staged += len(rows)
        await unit.run(close_import, import_id, actor)
    except BaseException:
        await unit.run(give_up, import_id, actor)
        raise
    return import_id


async def _read(chunks: AsyncIterable[bytes | None], seal: Callable[[Read], Read]) -> AsyncIterator[list[Read]]:
    """The rows of an extract, so many together as one COPY takes. Raises ExtractRefused.

    They are read and sealed in a thread: the largest line has 35,000 rows, and others have their turn meanwhile.
    """
    reader, waiting = Reader(), list[Read]()
    async for chunk in chunks:
        rows = map(seal, reader.end() if chunk is None else reader.feed(chunk))
        while found := await asyncio.to_thread(list, islice(rows, STAGED_TOGETHER - len(waiting))):
            waiting += found
            if len(waiting) == STAGED_TOGETHER:
                yield waiting
                waiting = []
        if chunk is None:
            reader = Reader()
    yield waiting


async def files(paths: Sequence[Path]) -> AsyncIterable[bytes | None]:
    """The bytes of files, one after another, as `receive` wants them. Raises OSError."""
    for path in paths:
        with path.open("rb") as file:
            while chunk := await asyncio.to_thread(file.read, CHUNK):
                yield chunk
        yield None


async def carry_on(unit: Unit[Tools], ahead: Ahead, import_id: UUID | None = None) -> float | None:
    """Carry out a portion of an import, of the oldest that waits unless one is named. Returns seconds to rest after it.

    None when there is nothing to do. Waits first while the outbox is deep. What fails for a reason of its own is tried
    again after a minute, and others meanwhile; one that is named raises it.
    """
    failed_before = unit.origin.clock() - AFTER_FAILURE
    found = await (staging.get(unit.pool, import_id) if import_id else staging.next_waiting(unit.pool, failed_before))
    if found is None or found.state != "waiting":
        return None
    await unit.room()
    actor = Actor(found.actor_kind, found.actor_id)
    try:
        done = (await unit.run(carry_out_portion, Turn(found.import_id, ahead), actor)).outcome
    except Exception as error:
        if import_id is not None or neighbour_failed(error):
            raise
        metrics.IMPORT_FAILURES.inc()
        failures = (await unit.run(note_failure, found.import_id, unit.origin.itself)).outcome
        log.error("import failed", import_id=str(found.import_id), failures=failures, error=described(error))
        return 0.0
    return 0.0 if done else OTHERS_TURN


async def carry_out(unit: Unit[Tools], import_id: UUID) -> ImportRow:
    """Carry out an import to its end, beside others that may help."""
    async with Ahead(unit) as ahead:
        while (rest := await carry_on(unit, ahead, import_id)) is not None:  # noqa: ASYNC110 (others: other processes)
            await asyncio.sleep(rest)
    found = await staging.get(unit.pool, import_id)
    assert found is not None
    return found


async def forget(unit: Unit[Tools]) -> None:
    """Delete what is past its time by the agency's data.

    An extract that a process had half received when it died: whoever sent it must send it again. The rows of an import
    that nobody could carry out. Defects.
    """
    keeps, now, itself = unit.tools.agency.retention.imports, unit.origin.clock(), unit.origin.itself
    for import_id in await staging.unfinished(unit.pool, "receiving", now - keeps.upload):
        await unit.run(give_up, import_id, itself)
    for import_id in await staging.unfinished(unit.pool, "waiting", now - keeps.unfinished):
        await unit.run(end_unfinished, import_id, itself)
    for import_id in await staging.with_old_defects(unit.pool, now - keeps.defects):
        await unit.run(forget_defects, import_id, itself)


def forgetting(unit: Unit[Tools]) -> Chore:
    """What a worker does about what imports leave behind."""
    return partial(repeatedly, "leftovers of imports", partial(forget, unit), FORGET_EVERY)


def carrying_on(unit: Unit[Tools]) -> Chore:
    """What a worker does about imports: several share one, and one that a crash interrupted goes on."""

    async def carry_on_imports() -> None:
        async with Ahead(unit) as ahead:
            await repeatedly("imports", partial(carry_on, unit, ahead), LOOK_EVERY)

    return carry_on_imports
