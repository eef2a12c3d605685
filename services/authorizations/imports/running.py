"""Receiving an extract and carrying it out, many transactions one after another."""

import asyncio
from collections.abc import AsyncIterable, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path
from uuid import UUID

from chassis.chores import Chore, repeatedly
from chassis.work import Actor, Unit
from services.authorizations.imports import staging
from services.authorizations.imports.handlers import (
    Part,
    carry_out_portion,
    close_import,
    give_up,
    open_import,
    stage,
)
from services.authorizations.imports.reading import Read, Reader
from services.authorizations.imports.staging import ImportRow
from services.authorizations.tools import Tools

STAGED_TOGETHER = 5_000  # rows of one COPY: some 2 MB
CHUNK = 256 * 1024  # bytes read of a file at once
LOOK_EVERY = 1.0  # seconds between two looks for an import that waits
FORGET_EVERY = 3600.0  # seconds
LONGEST_UPLOAD = timedelta(hours=12)
OTHERS_TURN = 0.2  # seconds to leave a portion to another process that has it in hand


async def receive(unit: Unit[Tools], chunks: AsyncIterable[bytes | None], actor: Actor, *, dry_run: bool) -> UUID:
    """Stage an extract as its bytes come; None between two chunks ends a file. Returns the import's id.

    Raises ExtractRefused, and forgets what it had staged, when a file is refused or breaks off.
    """
    import_id = (await unit.run(open_import, dry_run, actor)).outcome
    try:
        staged, waiting, reader = 0, list[Read](), Reader()
        async for chunk in chunks:
            if chunk is None:
                waiting += reader.end()
                reader = Reader()
            else:
                waiting += reader.feed(chunk)
            while len(waiting) >= STAGED_TOGETHER:
                part, waiting = waiting[:STAGED_TOGETHER], waiting[STAGED_TOGETHER:]
                await unit.run(stage, Part(import_id, staged, part), actor)
                staged += len(part)
        await unit.run(stage, Part(import_id, staged, waiting), actor)
        await unit.run(close_import, import_id, actor)
    except BaseException:
        await unit.run(give_up, import_id, actor)
        raise
    return import_id


async def files(paths: Sequence[Path]) -> AsyncIterable[bytes | None]:
    """The bytes of files, one after another, as `receive` wants them. Raises OSError."""
    for path in paths:
        with path.open("rb") as file:
            while chunk := await asyncio.to_thread(file.read, CHUNK):
                yield chunk
        yield None


async def carry_on(unit: Unit[Tools], import_id: UUID | None = None) -> float | None:
    """Carry out a portion of an import, of the oldest that waits unless one is named. Returns seconds to rest after it.

    None when there is nothing to do. Waits first while the outbox is deep.
    """
    found = await (staging.get(unit.pool, import_id) if import_id else staging.next_waiting(unit.pool))
    if found is None or found.state != "waiting":
        return None
    await unit.room()
    actor = Actor(found.actor_kind, found.actor_id)
    done = (await unit.run(carry_out_portion, found.import_id, actor)).outcome
    return 0.0 if done else OTHERS_TURN


async def carry_out(unit: Unit[Tools], import_id: UUID) -> ImportRow:
    """Carry out an import to its end, beside others that may help."""
    while (rest := await carry_on(unit, import_id)) is not None:  # noqa: ASYNC110 (others may be other processes)
        await asyncio.sleep(rest)
    found = await staging.get(unit.pool, import_id)
    assert found is not None
    return found


async def forget_broken_off(unit: Unit[Tools]) -> None:
    """Drop what a process had received of an extract when it died; whoever sent it must send it again."""
    for import_id in await staging.broken_off(unit.pool, unit.origin.clock() - LONGEST_UPLOAD):
        await unit.run(give_up, import_id, unit.origin.itself)


def forgetting(unit: Unit[Tools]) -> Chore:
    """What a worker does about extracts that broke off."""
    return partial(repeatedly, "extracts that broke off", partial(forget_broken_off, unit), FORGET_EVERY)


def carrying_on(unit: Unit[Tools]) -> Chore:
    """What a worker does about imports: several share one, and one that a crash interrupted goes on."""
    return partial(repeatedly, "imports", partial(carry_on, unit), LOOK_EVERY)
