"""python -m services.authorizations import FILE …: bring in an extract (NDJSON), one transaction a line."""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from chassis import telemetry
from chassis.outcomes import Refusal
from chassis.service import platform
from chassis.settings import Settings
from chassis.work import Actor
from contracts.imports import ImportedOrganization
from contracts.problems import problems
from services.authorizations.imports.handlers import import_organization

OPERATOR = Actor("operator", "import")
PORTION = 20  # lines between two looks whether there is room for more


def main(arguments: Sequence[str]) -> int:
    """Import each file named. Returns 1 when any line was refused; the others stand."""
    settings = Settings()
    telemetry.configure("authorizations", settings.log_level)
    return asyncio.run(_import([Path(argument) for argument in arguments], settings))


async def _import(files: Sequence[Path], settings: Settings) -> int:
    from services.authorizations.app import service  # noqa: PLC0415 (app imports every room)

    read = changed = refused = 0
    async with platform(service, settings) as (_, unit):
        for file in files:
            for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
                if not line.strip():
                    continue
                read += 1
                try:
                    command = ImportedOrganization.model_validate_json(line)
                except ValidationError as error:
                    faults = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
                    print(f"{file.name}:{number}: {faults}", file=sys.stderr)
                    refused += 1
                    continue
                if read % PORTION == 0:
                    await unit.room()
                outcome = (await unit.run(import_organization, command, OPERATOR)).outcome
                if isinstance(outcome, Refusal):
                    detail = problems()[outcome.code].detail.in_("en", **outcome.parameters)
                    print(f"{file.name}:{number}: {detail}", file=sys.stderr)
                    refused += 1
                else:
                    changed += outcome.changed
    print(f"{read} organizations read: {changed} changed, {read - changed - refused} unchanged, {refused} refused")
    return 1 if refused else 0
