"""A process opens once its database has what its code knows, and no sooner."""

import asyncio
from pathlib import Path

import pytest

from chassis import schema
from chassis.database import Address
from chassis.migrations import migrate
from chassis.tests.conftest import Bench, eventually


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The migrations of a service."""
    monkeypatch.setattr(schema, "LOOK_EVERY", 0.01)
    folder = tmp_path / "library" / "migrations"
    folder.mkdir(parents=True)
    (folder / "0001_books.sql").write_text("create table books (id int)")
    (folder / "0002_titles.sql").write_text("alter table books add column title text")
    return folder


async def test_every_migration_that_the_code_knows_is_waited_for(bench: Bench, folder: Path) -> None:
    last = (folder / "0002_titles.sql").rename(folder.parent / "later.sql")
    await migrate(bench.dsn, folder)
    last.rename(folder / "0002_titles.sql")
    waiting = asyncio.create_task(schema.wait_for(Address(bench.dsn), folder, asyncio.Event()))
    await eventually(lambda: schema.WAITING._value.get() > 0.1)
    assert not waiting.done()

    await migrate(bench.dsn, folder)

    assert await waiting
    assert schema.WAITING._value.get() == 0


async def test_old_code_opens_on_a_database_that_is_ahead_also_where_a_file_got_another_number(
    bench: Bench, folder: Path
) -> None:
    later = folder / "0003_shelves.sql"
    later.write_text("create table shelves (id int)")
    (folder / "0002_titles.sql").rename(folder / "0004_titles.sql")
    await migrate(bench.dsn, folder)
    later.unlink()
    (folder / "0004_titles.sql").rename(folder / "0002_titles.sql")

    assert await schema.wait_for(Address(bench.dsn), folder, asyncio.Event())


async def test_an_address_that_is_none_is_a_fault_and_not_waited_for(folder: Path) -> None:
    with pytest.raises(ValueError, match="sslmode"):
        await schema.wait_for(Address("postgresql://x@127.0.0.1:1/x?sslmode=often"), folder, asyncio.Event())
