"""What an operator types at night answers in each service."""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from contracts import flow
from local import ROOT
from tests.fixtures.stack import Database


async def run(environment: dict[str, str], service: str, *arguments: str) -> tuple[int, list[Any], str]:
    """Exit status, the JSON lines of the standard output, standard error."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", f"services.{service}", *arguments, "--json",
        cwd=ROOT, env=dict(os.environ) | environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    output, errors = await process.communicate()
    assert process.returncode is not None
    return process.returncode, [json.loads(line) for line in output.splitlines()], errors.decode()


@pytest.mark.parametrize("service", flow.SERVICES)
async def test_dead_letters_reset_groups_and_audit_answer_in_every_service(
    service: str, database: Database, keyring_folder: Path
) -> None:
    settings = {
        "agency": ROOT / "agencies" / "ccq",
        "database_url": await database(service),
        "gateway_port": 1,
        "operations_port": 1,
        "keyring": keyring_folder / f"{service}.json",
        "sealing_keys": keyring_folder / "public.json",
        "issuer_base": "http://127.0.0.1:1",
        "smtp_hosts": "127.0.0.1:1",
    }
    environment = {f"MANDAT_{name.upper()}": str(value) for name, value in settings.items()}

    listed = await run(environment, service, "dead-letters", "list")
    status, _, complaint = await run(environment, service, "reset-groups", "--to", "2999-01-01T00:00Z", "--by", "marie")

    verified = await run(environment, service, "audit", "verify", "--without-published")

    assert listed == verified == (0, [], "")
    assert (status, complaint.splitlines()[-1].partition(": error: ")[::2]) == (
        2,
        (f"python -m services.{service} reset-groups", "argument --to: is in the future"),
    )
