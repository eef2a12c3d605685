"""python -m services.linking import FILE …: bring in an old system's credentials (NDJSON or CSV).

NDJSON: {"user_name", "hash", "files": [{"client_number", "organization": {"kind", "number"}}]} a line. CSV: columns
user_name, hash, files; files are `kind:number:client_number`, or a client number alone, with a space between two.
Without an organization a file is the client's in whichever organization has one. What cannot be taken is told by line
and reason, and no content; the rest stands. A file may be sent again: what is known is left as it is, what was redeemed
stays so. With --dry-run everything is told and nothing is kept.
"""

import argparse
import asyncio
import csv
import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import Field, ValidationError

from chassis import settings as environment
from chassis import telemetry
from chassis.program import program
from chassis.service import platform
from chassis.settings import FaultySettings
from chassis.work import Actor, Unit, Work
from contracts.agency.linking import FormerCredential
from contracts.imports import ClientNumber, Imported, OrganizationKey
from services.linking.former_credentials import schemes, storage
from services.linking.former_credentials.domain import File, Kept, normalized
from services.linking.former_credentials.redeeming import lookups_of
from services.linking.former_credentials.schemes import ImportedHash, UnreadableHash
from services.linking.settings import LinkingSettings
from services.linking.tools import Tools

OPERATOR = Actor("operator", "import")
AT_ONCE = 8  # lines: enough to keep every core hashing

Outcome = Literal["created", "changed", "unchanged", "redeemed", "rejected"]


class ImportedFile(Imported):
    """One file that a credential stood for."""

    client_number: ClientNumber
    organization: OrganizationKey | None = None


class ImportedCredential(Imported):
    """One line."""

    user_name: Annotated[str, Field(min_length=1, max_length=200)] = Field(repr=False)
    hash: Annotated[str, Field(min_length=1, max_length=1000)] = Field(repr=False)
    files: tuple[ImportedFile, ...] = Field(min_length=1, max_length=1000)

    def stood_for(self) -> frozenset[File]:
        """The files, each once."""
        return frozenset(
            File(
                file.client_number,
                file.organization.kind if file.organization else None,
                file.organization.number if file.organization else None,
            )
            for file in self.files
        )


@dataclass(frozen=True)
class Line:
    """A credential that was read, on its way into the database; `kept` once its hash is stretched."""

    method: FormerCredential
    lookups: tuple[bytes, ...] = field(repr=False)
    hash: ImportedHash
    files: frozenset[File]
    kept: Kept | None = None


def main(arguments: Sequence[str]) -> int:
    """Import each file named. Returns 1 when any line was rejected; the others stand."""
    parser = argparse.ArgumentParser(prog=program("linking", "import"), description=__doc__)
    parser.add_argument("--dry-run", action="store_true", help="report everything and change nothing")
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    parser.add_argument("--method", metavar="CODE", help="the linking method, where the agency has several")
    given = parser.parse_args(arguments)
    try:
        settings = environment.read(LinkingSettings)
    except FaultySettings as error:
        sys.stderr.write(f"{error}\n")
        return 1
    telemetry.configure("linking", settings.log_level)
    return asyncio.run(_import(given.files, given.method, settings, dry_run=given.dry_run))


async def _import(files: Sequence[Path], code: str | None, settings: LinkingSettings, *, dry_run: bool) -> int:
    from services.linking.app import service  # noqa: PLC0415 (app imports every room)

    async with platform(service, settings) as (built, unit):
        methods = [
            method
            for method in built.agency.linking_methods.values()
            if isinstance(method, FormerCredential) and method.source == "imported" and code in (None, method.code)
        ]
        if len(methods) != 1:
            sys.stderr.write("Name the linking method whose credentials these are with --method.\n")
            return 1
        outcomes: Counter[Outcome] = Counter()
        rehearsal = Rehearsal() if dry_run else None
        for file in files:
            outcomes += await import_file(unit, methods[0], file, rehearsal)
    sys.stdout.write(f"{summary(outcomes, dry_run=dry_run)}\n")
    return 1 if outcomes["rejected"] else 0


def summary(outcomes: Counter[Outcome], *, dry_run: bool) -> str:
    """The reconciliation: every credential that was read is one of these."""
    read = outcomes.total()
    became = " + ".join(f"{outcomes[name]} {name}" for name in get_args(Outcome))
    sentence = f"{read} {'credential' if read == 1 else 'credentials'} read = {became}"
    return f"dry run, nothing was changed: {sentence}" if dry_run else sentence


@dataclass
class Rehearsal:
    """What a dry run would have kept, by its lookup."""

    kept: dict[bytes, Line] = field(default_factory=dict)

    def outcome(self, line: Line, known: Outcome | None, *, stands: bool) -> Outcome:
        """What would become of a line of which the database says `known`, as `compare` does."""
        earlier = self.kept.get(line.lookups[0])
        if known == "redeemed" or (earlier is None and known is not None):
            return known
        self.kept[line.lookups[0]] = line
        if earlier is None:
            return "changed" if stands else "created"
        return "unchanged" if (earlier.hash.setting, earlier.files) == (line.hash.setting, line.files) else "changed"


async def import_file(
    unit: Unit[Tools], method: FormerCredential, file: Path, rehearsal: Rehearsal | None = None
) -> Counter[Outcome]:
    """Bring in one file, several lines at a time; what became of each line. Tells faults on the standard error.

    With a rehearsal, says what would become of each and keeps nothing.
    """
    outcomes: Counter[Outcome] = Counter()
    portion: list[tuple[int, Any]] = []
    persons: set[str | None] = set()

    async def flush() -> None:
        results = await asyncio.gather(*(_bring_in(unit, method, content, rehearsal) for _, content in portion))
        for (number, _), (outcome, reason) in zip(portion, results, strict=True):
            outcomes[outcome] += 1
            if reason:
                sys.stderr.write(f"{file.name}:{number}: {reason}\n")
        portion.clear()
        persons.clear()

    for line in _lines(file):
        person = _person(method, line[1])
        if len(portion) == AT_ONCE or person in persons:
            await flush()  # of two lines about one user name the later counts
        portion.append(line)
        persons.add(person)
    await flush()
    return outcomes


def _person(method: FormerCredential, content: Any) -> str | None:
    """The user name of a line, as it is compared; None for a line that has none."""
    name = content.get("user_name") if isinstance(content, dict) else None
    return normalized(name, method) if isinstance(name, str) else None


async def _bring_in(
    unit: Unit[Tools], method: FormerCredential, content: Any, rehearsal: Rehearsal | None
) -> tuple[Outcome, str]:
    try:
        if isinstance(content, UnreadableHash):
            raise content
        imported = ImportedCredential.model_validate(content)
        found = schemes.read(imported.hash)
    except ValidationError as error:
        faults = error.errors(include_input=False, include_url=False, include_context=False)
        return "rejected", "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in faults)
    except UnreadableHash as error:
        return "rejected", str(error)
    lookups = lookups_of(unit.tools, method, imported.user_name)
    line = Line(method, lookups, found, imported.stood_for())
    outcome = (await unit.run(compare, line, OPERATOR)).outcome
    if rehearsal is not None:
        async with unit.pool.acquire() as connection:
            stands = await storage.find(connection, method.code, lookups) is not None
        return rehearsal.outcome(line, outcome, stands=stands), ""
    if outcome is not None:
        return outcome, ""
    stretched = await unit.tools.prover.keep(found)
    kept = Line(method, lookups, found, imported.stood_for(), stretched)
    return (await unit.run(keep, kept, OPERATOR)).outcome, ""


async def compare(work: Work[Tools], line: Line) -> Outcome | None:
    """What becomes of a line without any hashing: nothing when it was redeemed, or is known as it is. Else None."""
    if await storage.is_redeemed(work.connection, line.method.code, line.lookups):
        return "redeemed"
    known = await storage.find(work.connection, line.method.code, line.lookups)
    if known is None or known.credential_id is None:
        return None
    same_files = set(await storage.files(work.connection, known.credential_id)) == line.files
    return "unchanged" if same_files and known.kept.setting == line.hash.setting else None


async def keep(work: Work[Tools], line: Line) -> Outcome:
    """Keep the credential, in place of an older one of the user name."""
    assert line.kept is not None
    if await storage.is_redeemed(work.connection, line.method.code, line.lookups):
        return "redeemed"
    known = await storage.find(work.connection, line.method.code, line.lookups)
    if known is not None and known.credential_id is not None:
        await storage.forget(work.connection, known.credential_id)
    credential_id = work.new_id()
    await storage.keep(
        work.connection, credential_id, line.method.code, line.lookups[0], line.kept, line.files, work.now
    )
    work.audit("former_credential_imported", object_id=credential_id, method=line.method.code, files=len(line.files))
    return "created" if known is None else "changed"


def _lines(file: Path) -> Iterator[tuple[int, Any]]:
    """Each line's number and what it holds, not yet checked; an UnreadableHash where it holds nothing readable."""
    with file.open(encoding="utf-8", newline="") as opened:
        if file.suffix.lower() == ".csv":
            rows = csv.DictReader(opened)
            for row in rows:
                yield rows.line_num, _of_csv(row)
            return
        for number, line in enumerate(opened, 1):
            if line.strip():
                try:
                    yield number, json.loads(line)
                except json.JSONDecodeError:
                    yield number, UnreadableHash("the line is not JSON")


def _of_csv(row: dict[str, str]) -> dict[str, Any]:
    return {name: _files(value) if name == "files" else value for name, value in row.items()}


def _files(written: str | None) -> list[dict[str, Any]]:
    found = []
    for file in (written or "").split():
        *organization, client_number = file.split(":")
        key = {"organization": dict(zip(("kind", "number"), organization, strict=False))} if organization else {}
        found.append({"client_number": client_number} | key)
    return found
