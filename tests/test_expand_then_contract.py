"""A new migration leaves the release before it working: it expands; what it contracts is no longer needed there.

squawk (requirements/test.in) reads the SQL. What it finds stands in a file only with
`-- squawk-ignore RULE` beside it, and `-- unused since VERSION: what used it` above: a version before this one.
"""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from local import ROOT
from local.images import VERSION

BASELINE: Mapping[str, int] = {"chassis": 10, "accounts": 13, "authorizations": 44, "linking": 14, "notifications": 6}
"""The last migration of each owner that no release before it ran with."""

MATTERS_ELSEWHERE = (
    "ban-concurrent-index-creation-in-transaction",  # chassis/migrations.py opens none for these
    "require-lock-timeout", "require-statement-timeout", "require-timeout-settings",  # chassis/migrations.py sets them
    "prefer-bigint-over-int", "prefer-bigint-over-smallint", "prefer-robust-stmts", "prefer-text-field",
    "prefer-identity", "prefer-timestamp-tz",
)  # fmt: skip
IGNORED = re.compile(r"squawk-ignore", re.IGNORECASE)
UNUSED = re.compile(r"^-- unused since (\d+)\.(\d+)\.(\d+): \S", re.MULTILINE)
SQUAWK = shutil.which("squawk", path=str(Path(sys.executable).parent))


def faults(*files: Path, version: str = VERSION) -> list[str]:
    """What keeps the release before from working, or its callers waiting, in words."""
    if not files:
        return []
    command = [str(SQUAWK), "--reporter", "json", "--pg-version", "18", "--assume-in-transaction"]
    command += ["--no-error-on-unmatched-pattern", f"--exclude={','.join(MATTERS_ELSEWHERE)}", *map(str, files)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.stdout, ended.stderr
    found = [
        f"{Path(fault['file']).name}, line {fault['line'] + 1}: {fault['rule_name']}: {fault['message']}"
        for fault in json.loads(ended.stdout)
    ]
    return found + [words for file in files for words in _excuses(file, version)]


def _excuses(file: Path, version: str) -> list[str]:
    text = file.read_text(encoding="utf-8")
    since = [tuple(map(int, match.groups())) for match in UNUSED.finditer(text)]
    if len(IGNORED.findall(text)) > len(since):
        return [f"{file.name}: each squawk-ignore needs a line `-- unused since VERSION: what used it`"]
    now = tuple(map(int, version.split(".")))
    return [f"{file.name}: the release before {version} may still need it" for one in since if one >= now]


def test_no_new_migration_breaks_the_release_before_it() -> None:
    folders = {folder.parent.name: folder for folder in (ROOT / "services").glob("*/migrations")}
    folders["chassis"] = ROOT / "chassis" / "migrations"
    assert folders.keys() == BASELINE.keys()
    new = [
        file
        for owner, folder in folders.items()
        for file in sorted(folder.glob("*.sql"))
        if int(file.name[:4]) > BASELINE[owner]
    ]
    assert faults(*new) == []


@pytest.mark.parametrize(
    ("sql", "rule"),
    [
        ("alter table accounts drop column name;", "ban-drop-column"),
        ("drop table accounts;", "ban-drop-table"),
        ("alter table accounts rename column a to b;", "renaming-column"),
        ("alter table accounts rename to people;", "renaming-table"),
        ("alter table accounts alter column a type bigint;", "changing-column-type"),
        ("alter table accounts alter column a set not null;", "adding-not-nullable-field"),
        ("alter table accounts add column a text not null;", "adding-required-field"),
        ("create index accounts_a on accounts (a);", "require-concurrent-index-creation"),
        ("alter table accounts add constraint a check (a > 0);", "constraint-missing-not-valid"),
    ],
)
def test_what_would_break_it_is_refused(tmp_path: Path, sql: str, rule: str) -> None:
    (file := tmp_path / "0099_new.sql").write_text(sql)
    [found] = faults(file)
    assert f"line 1: {rule}: " in found


@pytest.mark.parametrize(
    "sql",
    [
        "create table books (id uuid primary key, pages integer not null check (pages > 0));\n"
        "create index books_pages on books (pages);",
        "alter table accounts add column a text not null default '';",
        "drop index concurrently if exists accounts_a;\ncreate index concurrently accounts_a on accounts (a);",
        "alter table accounts add constraint a check (a > 0) not valid;",
        "-- unused since 0.1.0: signing in read it\n-- squawk-ignore ban-drop-column\n"
        "alter table accounts drop column a;",
    ],
)
def test_what_expands_or_is_no_longer_needed_is_let_through(tmp_path: Path, sql: str) -> None:
    (file := tmp_path / "0099_new.sql").write_text(sql)
    assert faults(file, version="0.2.0") == []


def test_what_contracts_names_a_release_that_is_past(tmp_path: Path) -> None:
    (file := tmp_path / "0099_new.sql").write_text("-- squawk-ignore ban-drop-column\nalter table a drop column b;")
    assert faults(file) == ["0099_new.sql: each squawk-ignore needs a line `-- unused since VERSION: what used it`"]
    file.write_text("-- unused since 0.2.0: signing in\n" + file.read_text())
    assert faults(file, version="0.2.0") == ["0099_new.sql: the release before 0.2.0 may still need it"]
    assert faults(file, version="0.3.0") == []
