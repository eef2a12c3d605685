"""What an earlier release left in the databases is migrated to today's, and stays what it was.

`tests/earlier/DAY/SERVICE.sql` holds rows that the services of that day's release wrote while the journeys were played,
as pg_dump writes them; the files themselves say which migrations had been applied.
"""

import asyncio
import re
import secrets
from collections.abc import AsyncIterator
from hashlib import sha256

import asyncpg
import pytest

from chassis.migrations import OWN, migrate
from local import ROOT
from tests.fixtures.servers import DatabaseServer

EARLIER = {
    f"{file.stem} of {file.parent.name}": (file.stem, file.read_text(encoding="utf-8"))
    for file in sorted((ROOT / "tests" / "earlier").glob("*/*.sql"))
}
APPLIED = re.compile(r"INSERT INTO public\.migrations \(name, digest, applied_at\) VALUES \('([^']+)', '([^']+)'")
NOTED = "create table migrations (name text primary key, digest text not null, applied_at timestamptz default now())"
COUNTED = "select table_name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'"
BROKEN = """
select conrelid::regclass::text || ' ' || conname from pg_constraint
where not convalidated and connamespace = 'public'::regnamespace
"""


@pytest.fixture
async def empty(postgres: DatabaseServer) -> AsyncIterator[str]:
    """The URL of a database with nothing in it."""
    name = f"earlier_{secrets.token_hex(4)}"
    yield await asyncio.to_thread(postgres.create_database, name, "authorizations")
    await asyncio.to_thread(postgres.drop_database, name)


@pytest.fixture
def migrations() -> dict[str, tuple[str, str]]:
    """Every migration there is, by its digest: its name, and what it does."""
    found = [*OWN.glob("*.sql"), *(ROOT / "services").glob("*/migrations/*.sql")]
    return {
        sha256(file.read_bytes()).hexdigest(): (f"{file.parent.parent.name}/{file.name}", file.read_text("utf-8"))
        for file in found
    }


@pytest.mark.parametrize(("service", "rows"), EARLIER.values(), ids=EARLIER)
async def test_what_an_earlier_release_left_is_migrated_and_nothing_of_it_is_lost(
    empty: str, migrations: dict[str, tuple[str, str]], service: str, rows: str
) -> None:
    folder = ROOT / "services" / service / "migrations"
    connection = await asyncpg.connect(empty)
    try:
        await connection.execute(NOTED)
        for _, digest in APPLIED.findall(rows):
            await connection.execute(migrations[digest][1])
        await connection.execute(rows)
        before = await _counted(connection)

        applied = await migrate(empty, folder)

        known, owners = {digest for _, digest in APPLIED.findall(rows)}, ("chassis/", f"{service}/")
        new = {name for digest, (name, _) in migrations.items() if digest not in known and name.startswith(owners)}
        assert set(applied) == new
        after = await _counted(connection)
        assert {table: after.get(table, count) for table, count in before.items() if table != "migrations"} == {
            table: count for table, count in before.items() if table != "migrations"
        }
        assert sum(before.values()) > 20
        assert await connection.fetch(BROKEN) == []
    finally:
        await connection.close()
    assert await migrate(empty, folder) == []


async def _counted(connection: asyncpg.Connection) -> dict[str, int]:
    await connection.execute("set search_path to public")
    names = [row["table_name"] for row in await connection.fetch(COUNTED)]
    return {name: await connection.fetchval(f'select count(*) from "{name}"') for name in names}
