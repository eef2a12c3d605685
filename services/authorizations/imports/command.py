"""python -m services.authorizations import [--dry-run] FILE …: bring in an extract, in as many files as it has."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import uvloop

from chassis import settings as environment
from chassis import telemetry
from chassis.commands.answers import FAULTY, NOT_WELL, OUTAGES, WELL, complain
from chassis.database import Pool
from chassis.program import program
from chassis.service import keep_for_good, platform
from chassis.settings import Settings
from chassis.work import Actor
from contracts.problems import problems
from services.authorizations.imports.reading import ExtractRefused
from services.authorizations.imports.running import carry_out, files, receive
from services.authorizations.imports.staging import ImportRow
from services.authorizations.imports.wording import detail

OPERATOR = Actor("operator", "import")
IN_HAND = 1_000_000  # objects alive at once: two portions have some 110,000, a line of 35,000 rows twice that
SHOWN = 1_000  # defects on the terminal; GET /v1/imports/{id} shows all


def main(arguments: Sequence[str]) -> int:
    """Import the files as one extract. Returns 1 when a row was rejected or a file refused, 2 for a wrong command."""
    asked = _parser().parse_args(arguments)
    telemetry.configure("authorizations", "WARNING")
    if missing := [str(path) for path in asked.files if not path.is_file()]:
        return complain(f"no such file: {', '.join(missing)}")
    try:
        return uvloop.run(_import(asked.files, environment.read(Settings), dry_run=asked.dry_run))
    except ExtractRefused as error:
        refusal = error.refusal
        return complain(problems()[refusal.code].detail.in_("en", **refusal.parameters))
    except OUTAGES as error:
        return complain(f"the database does not answer; a worker goes on with what was received: {error!r}")
    except FAULTY as error:
        return complain(str(error))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=program("authorizations", "import"),
        description="Bring in organizations, contacts and relations (CSV or NDJSON). See docs/how-to/import.md.",
    )
    parser.add_argument("--dry-run", action="store_true", help="report everything and change nothing")
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE", help="together one extract, in any order")
    return parser


async def _import(paths: Sequence[Path], settings: Settings, *, dry_run: bool) -> int:
    from services.authorizations.app import service  # noqa: PLC0415 (app imports every room)

    async with platform(service, settings) as (_, unit):
        keep_for_good(IN_HAND)
        import_id = await receive(unit, files(paths), OPERATOR, dry_run=dry_run)
        done = await carry_out(unit, import_id)
        await _show_defects(unit.pool, import_id)
    print(summary(done))
    return NOT_WELL if done.rejected or done.state != "done" else WELL


async def _show_defects(pool: Pool, import_id: UUID) -> None:
    for row in await pool.fetch(
        "select * from import_defects where import_id = $1 order by place, code limit $2", import_id, SHOWN
    ):
        print(f"line {row['line']}{row['at']}: {_sentence(row)}", file=sys.stderr)


def _sentence(row: Any) -> str:
    named = " ".join(row["keys"].values())
    words = detail(row["code"], row["parameters"], "en")
    return f"{row['code']}{f' ({named})' if named else ''}: {words}"


def summary(done: ImportRow) -> str:
    """The reconciliation: every row that was read is one of the four."""
    rows = "row" if done.read == 1 else "rows"
    sentence = (
        f"{done.read} {rows} read = {done.created} created + {done.changed} changed + {done.unchanged} unchanged"
        f" + {done.rejected} rejected; {done.noted} to look at"
    )
    return f"dry run, nothing was changed: {sentence}" if done.dry_run else sentence
