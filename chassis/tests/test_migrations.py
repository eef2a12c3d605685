"""Numbered SQL files, applied once each in order."""

import asyncio
from collections import Counter
from pathlib import Path

import asyncpg
import pytest

from chassis import migrations
from chassis.migrations import OWN, MigrationRefused, migrate
from chassis.tests.conftest import Bench
from local import ROOT


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The migrations of a service."""
    folder = tmp_path / "library" / "migrations"
    folder.mkdir(parents=True)
    (folder / "0001_books.sql").write_text("create table books (id int)")
    (folder / "0002_titles.sql").write_text("alter table books add column title text; insert into books values (1)")
    return folder


async def test_each_file_is_applied_once_and_in_order(bench: Bench, folder: Path) -> None:
    assert await migrate(bench.dsn, folder) == ["library/0001_books.sql", "library/0002_titles.sql"]
    assert await migrate(bench.dsn, folder) == []

    (folder / "0003_more.sql").write_text("insert into books values (2)")
    assert await migrate(bench.dsn, folder) == ["library/0003_more.sql"]
    assert await bench.size("books") == 2


async def test_a_file_that_changed_after_it_was_applied_is_refused(bench: Bench, folder: Path) -> None:
    await migrate(bench.dsn, folder)
    (folder / "0001_books.sql").write_text("create table books (id bigint)")

    with pytest.raises(MigrationRefused, match=r"library/0001_books\.sql was changed"):
        await migrate(bench.dsn, folder)


async def test_a_file_that_got_another_number_after_it_was_applied_is_not_applied_again(
    bench: Bench, folder: Path
) -> None:
    await migrate(bench.dsn, folder)
    (folder / "0002_titles.sql").rename(folder / "0003_titles.sql")
    (folder / "0002_shelves.sql").write_text("create table shelves (id int)")

    assert await migrate(bench.dsn, folder) == ["library/0002_shelves.sql"]
    assert await migrate(bench.dsn, folder) == []
    assert await bench.size("books") == 1


async def test_a_misnamed_file_is_refused_before_anything_is_applied(bench: Bench, folder: Path) -> None:
    (folder / "3_more.sql").write_text("insert into books values (2)")

    with pytest.raises(MigrationRefused, match=r"3_more\.sql is not named"):
        await migrate(bench.dsn, folder)
    assert await bench.pool.fetchval("select to_regclass('books')") is None


async def test_a_file_that_fails_leaves_nothing_of_itself_and_keeps_those_before(bench: Bench, folder: Path) -> None:
    (folder / "0003_broken.sql").write_text("insert into books values (2); select no_such_function()")

    with pytest.raises(asyncpg.UndefinedFunctionError):
        await migrate(bench.dsn, folder)
    assert await bench.size("books") == 1


async def test_migrations_that_run_at_once_apply_each_file_once(bench: Bench, folder: Path) -> None:
    applied = await asyncio.gather(*[migrate(bench.dsn, folder) for _ in range(4)])

    assert sorted(applied, key=len) == [[], [], [], ["library/0001_books.sql", "library/0002_titles.sql"]]
    assert await bench.size("books") == 1


async def test_a_migration_gives_way_to_who_holds_its_table_and_is_applied_once_it_is_free(
    bench: Bench, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrations, "LOCK_TIMEOUT", "50ms")
    monkeypatch.setattr(migrations, "GIVING_WAY", 0.05)
    await migrate(bench.dsn, folder)
    (folder / "0003_pages.sql").write_text("alter table books add column pages int")
    async with bench.pool.acquire() as connection:
        holding = connection.transaction()
        await holding.start()
        await connection.fetch("select from books")
        migrating = asyncio.create_task(migrate(bench.dsn, folder))
        await asyncio.sleep(0.3)
        assert not migrating.done()
        assert await bench.size("books") == 1  # nobody waits behind it for as long as a statement may take
        await holding.rollback()

    assert await migrating == ["library/0003_pages.sql"]


async def test_an_index_is_made_while_writers_go_on_and_made_anew_after_an_interruption(
    bench: Bench, folder: Path
) -> None:
    await migrate(bench.dsn, folder)
    (folder / "0003_found_by_title.sql").write_text(
        "-- Titles are looked for; no writer waits.\n"
        "drop index concurrently if exists books_title;\n"
        "create index concurrently books_title on books (title);\n"
    )
    await bench.pool.execute("create index books_title on books (id)")  # as an interruption leaves it: not what it says

    assert await migrate(bench.dsn, folder) == ["library/0003_found_by_title.sql"]
    made = await bench.pool.fetchval("select indexdef from pg_indexes where indexname = 'books_title'")
    assert made.endswith("(title)") and await migrate(bench.dsn, folder) == []


def test_no_two_migrations_of_one_owner_have_the_same_number() -> None:
    """Two that come to main at once would run in the order of their names."""
    folders = [OWN, *(ROOT / "services").glob("*/migrations")]
    numbers = Counter((folder.parent.name, file.name[:4]) for folder in folders for file in folder.glob("*.sql"))
    assert [number for number, files in numbers.items() if files > 1] == []
    assert len(folders) == 5
