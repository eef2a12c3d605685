"""A role that can read the audit and nothing else is all that verifying it takes."""

import asyncio
import os
import secrets
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import asyncpg
import pytest
from pydantic import SecretStr

from chassis.audit.sealing import seal_all
from chassis.commands import audit as command
from chassis.database import Connection
from chassis.settings import DatabaseSettings
from chassis.tests.conftest import Bench
from chassis.tests.test_sealing import note
from local import ROOT

READABLE = "select has_table_privilege($1, 'select')"


@dataclass(frozen=True)
class Reader:
    """Another role of the server, which owns nothing."""

    name: str
    url: str
    """Of the bench's database, without a password."""
    password_file: Path


@pytest.fixture
async def reader(bench: Bench, superuser: Connection, tmp_path: Path) -> AsyncIterator[Reader]:
    name, password, file = f"reader-{secrets.token_hex(4)}", secrets.token_hex(8), tmp_path / "password"
    file.write_text(password)
    await superuser.execute(f"create role \"{name}\" login password '{password}'")
    owner = urlsplit(bench.dsn)
    yield Reader(name, urlunsplit(owner._replace(netloc=f"{name}@{owner.netloc.rpartition('@')[2]}")), file)
    whole = await asyncpg.connect(bench.dsn)
    await whole.execute(f"""
        revoke all on all tables in schema public from "{name}";
        revoke all on database {owner.path.removeprefix("/")} from "{name}";
    """)
    await whole.close()
    await superuser.execute(f'drop role "{name}"')


async def run(environment: dict[str, str], *arguments: str) -> tuple[int, str]:
    """Exit status of a service's `audit …`, with what it said; it is told nothing that does not stand here."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("MANDAT_")}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.linking", "audit", *arguments,
        cwd=ROOT, env=ours | environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    output, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, output.decode()


async def verified(reader: Reader) -> tuple[int, str]:
    return await run(
        {
            "MANDAT_DATABASE_URL": reader.url,
            "MANDAT_DATABASE_PASSWORD_FILE": str(reader.password_file),
            "MANDAT_AGENCY": str(ROOT / "agencies" / "ccq"),
        },
        "verify",
        "--without-published",
    )


async def allow(bench: Bench, role: str) -> int:
    return await command._allow("linking", DatabaseSettings(database_url=SecretStr(bench.dsn)), role)


async def test_a_role_that_can_only_read_the_audit_verifies_it_and_finds_a_change(bench: Bench, reader: Reader) -> None:
    await note(bench, uuid4(), None)
    await seal_all(bench.unit)

    allowed = await run({"MANDAT_DATABASE_URL": bench.dsn}, "allow", reader.name)
    assert allowed == (0, f"linking: {reader.name} may read what `audit verify` reads\n")

    as_sealed = "linking: 2 chains, 2 sealed entries, 0 known heads: as they were sealed\n"
    assert await verified(reader) == (0, as_sealed)
    await bench.pool.execute("update audit set actor_id = 'somebody else' where organization_id is not null")
    status, said = await verified(reader)
    assert status == 1 and "entry 1" in said and "is not what was sealed" in said


async def test_who_may_verify_can_change_nothing_and_reads_nothing_else(bench: Bench, reader: Reader) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await asyncpg.connect(reader.url, password=reader.password_file.read_text())
    assert await allow(bench, reader.name) == 0

    connection = await asyncpg.connect(reader.url, password=reader.password_file.read_text())
    try:
        tables = [
            row[0] for row in await connection.fetch("select tablename from pg_tables where schemaname = 'public'")
        ]
        for right in ("insert", "update", "delete", "truncate", "references", "trigger"):
            asked = f"select bool_or(has_table_privilege(name, '{right}')) from unnest($1::text[]) as name"
            assert await connection.fetchval(asked, tables) is False, right
        readable = [name for name in tables if await connection.fetchval(READABLE, name)]
        assert sorted(readable) == ["audit", "audit_chains", "audit_seals", "audit_unsealed"]
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("update audit set actor_id = 'somebody else'")
    finally:
        await connection.close()


async def test_who_could_change_the_audit_and_who_is_not_there_are_refused(bench: Bench, reader: Reader) -> None:
    owner = urlsplit(bench.dsn).username
    assert owner is not None
    with pytest.raises(ValueError, match=f"not allowed: {owner} could change what it is to verify"):
        await allow(bench, owner)
    with pytest.raises(ValueError, match=f"not allowed: the database has no role {reader.name}-2"):
        await allow(bench, f"{reader.name}-2")


@pytest.mark.parametrize(
    "given",
    [
        'grant "{owner}" to "{reader}" with inherit false, set true',
        'grant update (actor_id) on audit to "{reader}"',
        'grant trigger on audit_seals to "{reader}"',
    ],
    ids=["as its owner", "a column", "by a trigger"],
)
async def test_who_could_change_the_audit_in_a_roundabout_way_is_refused(
    bench: Bench, reader: Reader, superuser: Connection, given: str
) -> None:
    owner = str(urlsplit(bench.dsn).username)
    await (superuser if "set true" in given else bench.pool).execute(given.format(owner=owner, reader=reader.name))
    with pytest.raises(ValueError, match=f"not allowed: {reader.name} could change what it is to verify"):
        await allow(bench, reader.name)
