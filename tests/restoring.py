"""A database goes back to a point in time on a real stack, and everything is counted: python -m tests.restoring

Twice: the database of one service behind the others, as docs/operations/restore.md says, then all of them at once,
behind Kafka. It takes some two minutes, prints what an operator would do and see, and ends with 1 where a promise does
not hold.
"""

import asyncio
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import asyncpg
import httpx

from local import STATE, postgres_programs
from local.journeys.account import open_by_code
from local.journeys.narrator import Narrator
from local.journeys.playing import Journey
from local.journeys.portal import Portal, Someone
from local.ports import SERVICES, Ports, free_ports
from local.postgres import Postgres
from local.stack import WHOLE, Stack

EACH = 4  # accounts opened before the base backup, between it and the time restored to, and after that
BEHIND = "linking"
PATIENCE = 120.0
KNOWN = {
    "accounts": "select count(*) from accounts",
    "linking": "select count(*) from people where kind = 'account' and email like '%@restored.example'",
    "authorizations": "select count(*) from personal_fields where email like '%@restored.example'",
    "notifications": "select count(*) from mails",
}


def main() -> int:
    """Returns 0 when everything that was to come back did."""
    STATE.mkdir(exist_ok=True)
    with TemporaryDirectory(prefix="restoring-", dir=STATE, ignore_cleanup_errors=True) as made:
        folder = Path(made)
        archive = folder / "archive"
        archive.mkdir()
        postgres_programs.let_pass(folder)
        if user := postgres_programs.system_user():
            shutil.chown(archive, user)
        stack = Stack("ccq", folder / "data", Ports.free(), folder / "logs", say=lambda _: None)
        stack.postgres.settings = {
            "archive_mode": "on",
            "archive_command": f"test ! -f {archive}/%f && cp %p {archive}/%f",
        }
        try:
            stack.start()
            return asyncio.run(_restore(stack, archive, folder))
        finally:
            stack.stop()


async def _restore(stack: Stack, archive: Path, folder: Path) -> int:
    say(f"accounts opened: {await _open(stack, 'before the backup')}")
    began = time.monotonic()
    base = folder / "base"
    _program("pg_basebackup", "-d", stack.postgres.superuser_url, "-D", base, "-c", "fast", "-X", "none")
    say(f"base backup: {time.monotonic() - began:.1f} s")
    await _open(stack, "between")
    at_that_time = await _settled(stack)
    restored_to = await _value(stack.postgres.superuser_url, "select clock_timestamp()")
    say(f"{restored_to.isoformat()}: the time to go back to; known then: {at_that_time}")
    await asyncio.sleep(2)
    await _open(stack, "after it")
    in_the_end = await _settled(stack)
    say(f"known in the end: {in_the_end}; mails in the inbox: {await _mails(stack)}")
    await _archived(stack.postgres.superuser_url)

    began = time.monotonic()
    side = _recovered(stack, archive, base, folder / "side", restored_to)
    say(f"\nrecovered beside it, to the point in time: {time.monotonic() - began:.1f} s")
    kept = await _one_behind(stack, side, restored_to, in_the_end)
    kept &= await _all_behind(stack, side, restored_to, at_that_time, in_the_end)
    say("\neverything came back that was to" if kept else "\nNOT everything came back that was to")
    return 0 if kept else 1


async def _one_behind(stack: Stack, side: Postgres, to: datetime, in_the_end: dict[str, int]) -> bool:
    say(f"\n== the database of {BEHIND} behind the others")
    member = next(one for one in WHOLE if one.service == BEHIND)
    stack.processes.stop(stack.child(member))
    dump = side.folder / f"{BEHIND}.dump"
    _program("pg_dump", "-Fc", "-f", dump, "-d", _database(side, BEHIND))
    await _execute(stack.postgres.superuser_url, f"alter database {BEHIND} rename to {BEHIND}_lost")
    stack.postgres.create_database(BEHIND)
    _program("pg_restore", "-d", _database(stack.postgres, BEHIND), dump)
    say(f"{BEHIND} knows of the accounts: {await _value(stack.postgres.url(BEHIND), KNOWN[BEHIND])}")
    await _reset(stack, BEHIND, to)
    began = time.monotonic()
    await asyncio.to_thread(stack.start_again, member)
    found = await _until(partial(_value, stack.postgres.url(BEHIND), KNOWN[BEHIND]), in_the_end[BEHIND])
    say(f"{BEHIND} knows of the accounts: {found}, {time.monotonic() - began:.1f} s after its start")
    say(f"dead letters: {await _value(stack.postgres.url(BEHIND), 'select count(*) from dead_letters')}")
    return bool(found == in_the_end[BEHIND])


async def _all_behind(
    stack: Stack, side: Postgres, to: datetime, at_that_time: dict[str, int], in_the_end: dict[str, int]
) -> bool:
    say("\n== all databases behind Kafka")
    before = await _mails(stack)
    stack.processes.stop(*(stack.child(member) for member in stack.members))
    side.stop()
    stack.postgres.stop()
    (stack.postgres.folder / "cluster").rename(stack.postgres.folder / "lost")
    (side.folder / "cluster").rename(stack.postgres.folder / "cluster")
    stack.postgres.start()
    say(f"known again: {await _known(stack)}")
    for service in SERVICES:
        await _reset(stack, service, to)
    began = time.monotonic()
    await asyncio.gather(*(asyncio.to_thread(stack.start_again, member) for member in stack.members))
    found = {
        service: await _until(partial(_value, stack.postgres.url(service), KNOWN[service]), in_the_end[service])
        for service in ("linking", "authorizations", "notifications")
    } | {"accounts": await _value(stack.postgres.url("accounts"), KNOWN["accounts"])}
    await asyncio.sleep(5)
    say(f"known after {time.monotonic() - began:.0f} s: {found}")
    say(f"mails in the inbox: {before} before, {await _mails(stack)} after")
    for service in SERVICES:
        say(f"{service}: dead letters {await _value(stack.postgres.url(service), 'select count(*) from dead_letters')}")
        verified = await _verified(stack, service)
        say(f"{service} audit verify: {verified}")
    return found == in_the_end | {"accounts": at_that_time["accounts"]}


async def _reset(stack: Stack, service: str, to: datetime) -> None:
    # The margin is small, because these minutes are: with the usual one every record here would come again.
    said = await stack.run(service, "reset-groups", "--to", to.isoformat(), "--margin", "1s", "--by", "restoring")
    moved = [
        line for line in said.splitlines()[:-1] if (places := line.split()) and places[-3] not in ("–", places[-1])
    ]
    say(f"{service}: {said.splitlines()[-1]}; {len(moved)} partitions moved")
    for line in moved:
        say(f"  {line}")


async def _verified(stack: Stack, service: str) -> str:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", f"services.{service}", "audit", "verify",
        env={**os.environ, **stack.environment(service)},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    said, complained = await process.communicate()
    lines = (said + complained).decode().splitlines()
    return f"exit status {process.returncode}: {lines[0] if lines else ''}"


def say(line: str) -> None:
    """One line for the person at the terminal, at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


async def _open(stack: Stack, when: str) -> int:
    told = Narrator(say=lambda _: None)
    async with httpx.AsyncClient(timeout=PATIENCE) as http:
        journey = Journey(Portal(stack, told, http), told)
        for number in range(EACH):
            email = f"{when.replace(' ', '.')}.{number}@restored.example"
            await open_by_code(journey, Someone(email, "une phrase de passe pour restaurer", "Démo", "Personne", "fr"))
    return EACH


async def _settled(stack: Stack) -> dict[str, int]:
    """What each service knows, once the others know of every account."""
    accounts = await _value(stack.postgres.url("accounts"), KNOWN["accounts"])
    for service in ("linking", "authorizations"):
        await _until(partial(_value, stack.postgres.url(service), KNOWN[service]), accounts)
    return await _known(stack)


async def _known(stack: Stack) -> dict[str, int]:
    return {service: await _value(stack.postgres.url(service), query) for service, query in KNOWN.items()}


async def _mails(stack: Stack) -> int:
    async with httpx.AsyncClient(timeout=PATIENCE) as http:
        return len((await http.get(f"{stack.inbox}/mails")).json())


async def _until(look: Callable[[], Awaitable[Any]], wanted: int) -> Any:
    deadline = time.monotonic() + PATIENCE
    while (found := await look()) != wanted and time.monotonic() < deadline:
        await asyncio.sleep(0.2)
    return found


async def _archived(url: str) -> None:
    """Everything that is written by now stands in the archive."""
    wanted = await _value(url, "select pg_walfile_name(pg_switch_wal())")
    deadline = time.monotonic() + PATIENCE
    while (await _value(url, "select last_archived_wal from pg_stat_archiver") or "") < wanted:
        assert time.monotonic() < deadline, "nothing is archived"
        await asyncio.sleep(0.2)


def _recovered(stack: Stack, archive: Path, base: Path, folder: Path, to: datetime) -> Postgres:
    """A server of its own with the base backup, and with what was written until then."""
    folder.mkdir()
    base.rename(folder / "cluster")
    (folder / "cluster").chmod(0o700)
    (folder / "cluster" / "recovery.signal").touch()
    shutil.copy(stack.postgres.folder / "superuser.password", folder / "superuser.password")
    (folder / "made").touch()
    if user := postgres_programs.system_user():
        for path in (folder / "cluster", *(folder / "cluster").rglob("*")):
            shutil.chown(path, user)
    settings = {
        "restore_command": f"cp {archive}/%f %p",
        "recovery_target_time": to.isoformat(),
        "recovery_target_action": "promote",
        "archive_mode": "off",
        "hot_standby": "off",  # it answers once it is there
    }
    [port] = free_ports(1)
    side = Postgres(folder, port, stack.logs / "side.log", processes=stack.processes, settings=settings)
    side.start()
    return side


def _database(server: Postgres, name: str) -> str:
    return server.superuser_url.removesuffix("/postgres") + f"/{name}"


def _program(name: str, *arguments: object) -> None:
    subprocess.run([postgres_programs.programs() / name, *map(str, arguments)], check=True)


async def _value(url: str, query: str) -> Any:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


if __name__ == "__main__":
    sys.exit(main())
