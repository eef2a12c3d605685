"""What an operator types at night answers in each service."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from contracts import flow
from local import ROOT
from tests.fixtures.servers import Broker
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

    # First, for the others write to the audit, and where no worker seals that within a minute it is a fault.
    verified = await run(environment, service, "audit", "verify", "--without-published")

    listed = await run(environment, service, "dead-letters", "list")
    status, _, complaint = await run(environment, service, "reset-groups", "--to", "2999-01-01T00:00Z", "--by", "marie")

    assert listed == verified == (0, [], "")
    assert (status, complaint.splitlines()[-1].partition(": error: ")[::2]) == (
        2,
        (f"python -m services.{service} reset-groups", "argument --to: is in the future"),
    )


async def test_topics_are_made_for_brokers_of_others_with_nothing_but_their_address(
    kafka: Broker, topic_prefix: str
) -> None:
    environment = {"MANDAT_KAFKA_SERVERS": kafka.servers, "MANDAT_TOPIC_PREFIX": topic_prefix}

    async def topics(*arguments: str) -> tuple[int | None, list[str]]:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "services.linking", "topics", *arguments,
            cwd=ROOT, env=dict(os.environ) | environment, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        output, _ = await process.communicate()
        return process.returncode, output.decode().splitlines()

    names = [topic_prefix + topic.name for topic in flow.topics_of("linking")]
    assert await topics() == (
        0,
        [f"made {name}" for name in names] + [f"{len(names)} topics, {len(names)} made now: as the contracts say"],
    )
    again = await asyncio.gather(topics("--replicas", "2"), topics("--replicas", "2", "--tolerant"))
    differ = [f"{name}: 1 replicas, not 2" for name in names] + [f"{len(names)} topics, 0 made now: some differ"]
    assert list(again) == [(1, differ), (0, differ)]


def test_a_database_that_is_never_there_is_waited_for_and_then_told_of() -> None:
    environment = {"MANDAT_DATABASE_URL": "postgresql://x:hunter2@127.0.0.1:1/x"}
    ended = subprocess.run(
        [sys.executable, "-m", "services.linking", "migrate", "--wait", "1"],
        cwd=ROOT, env=dict(os.environ) | environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    told = [json.loads(line)["event"] for line in (ended.stdout + ended.stderr).splitlines()]
    assert (ended.returncode, list(dict.fromkeys(told))) == (1, ["waits for its database", "not migrated"])
    assert "hunter2" not in ended.stderr
