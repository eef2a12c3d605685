"""The operator's commands say what they did, in words and as JSON, and their exit status says whether all went well."""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from chassis import keys
from chassis.tests.conftest import Bench
from chassis.tests.letters import parked
from chassis.tests.library import opened
from contracts.accounts import EmailVerified
from local import ROOT


@pytest.fixture
def environment(bench: Bench, tmp_path: Path) -> dict[str, str]:
    ring = keys.generate("library")
    ring.write(tmp_path / "ring.json")
    keys.write_public([ring], tmp_path / "public.json")
    settings = {
        "agency": ROOT / "agencies" / "ccq",
        "database_url": bench.dsn,
        "gateway_port": 1,
        "operations_port": 1,
        "keyring": tmp_path / "ring.json",
        "sealing_keys": tmp_path / "public.json",
        "issuer_base": "http://127.0.0.1:1",
    }
    return {f"MANDAT_{name.upper()}": str(value) for name, value in settings.items()}


async def run(environment: dict[str, str], *arguments: Any) -> tuple[int, str, str]:
    """Exit status, standard output, standard error."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "chassis.tests.library", "dead-letters", *map(str, arguments),
        cwd=ROOT, env=dict(os.environ) | environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    output, errors = await process.communicate()
    assert process.returncode is not None
    return process.returncode, output.decode(), errors.decode()


async def test_a_night_with_two_letters_told_from_first_look_to_empty_table(
    bench: Bench, environment: dict[str, str]
) -> None:
    identity = uuid4()
    await parked(bench, EmailVerified(account_id=identity), opened(identity, 3))
    strange, good = [row["id"] for row in await bench.rows("dead_letters")]
    by = ("--by", "marie")

    status, listed, _ = await run(environment, "list", "--key", identity)
    assert status == 0
    assert listed.splitlines()[-1] == "2 shown of 2 parked"
    assert listed.startswith(f"{strange}  ") and "accounts.EmailVerified.v1" in listed and "because" in listed

    status, shown, _ = await run(environment, "show", good, "--json")
    assert status == 0
    assert (json.loads(shown)["waits_for"], json.loads(shown)["payload"]["terms_version"]) == (strange, "••• (1)")

    status, done, _ = await run(environment, "redrive", "--all", *by)
    assert status == 1
    assert done.splitlines() == [
        f"{strange}  FAILED AGAIN: NobodyTakesIt: this service has no handler for the letter's type",
        f"{good}  not tried: it waits for {strange}",
        "0 redriven, 1 failed again, 1 wait behind those",
    ]

    status, _, complaint = await run(environment, "redrive", good, *by)
    assert (status, complaint) == (
        1, f"This message waits behind message {strange}, which has the same key. Redrive or drop that one first.\n",
    )  # fmt: skip
    status, done, _ = await run(environment, "drop", strange, "--reason", "of an old release", *by)
    assert (status, done) == (0, f"{strange}  dropped: it will never be applied\n")
    status, done, _ = await run(environment, "redrive", "--key", identity, "--json", *by)
    assert (status, json.loads(done)) == (0, {"id": good, "ending": "applied"})
    assert await bench.counted(identity) == "3"
    status, listed, _ = await run(environment, "list")
    assert (status, listed) == (0, "nothing is parked\n")
    rows = [row for row in await bench.rows("audit") if row["action"] != "dead_letter.listed"]
    assert {(row["actor_kind"], row["actor_id"]) for row in rows[1:]} == {("operator", "marie")}


async def test_a_filter_that_fits_nothing_does_not_read_as_all_clear(bench: Bench, environment: dict[str, str]) -> None:
    await parked(bench, opened(uuid4()), opened(uuid4()))
    by = ("--by", "marie")

    status, listed, _ = await run(environment, "list", "--key", uuid4())
    assert (status, listed) == (0, "nothing matches; 2 parked in all\n")
    status, done, _ = await run(environment, "redrive", "--key", uuid4(), *by)
    assert (status, done) == (0, "nothing matches; 2 parked in all\n")
    status, listed, _ = await run(environment, "list", "--consumer", "library.accounts.events")
    assert (status, listed) == (0, "nothing matches; 2 parked in all\n")
    for command in (["list"], ["redrive", "--all", *by]):
        status, output, complaint = await run(environment, *command, "--consumer", "nope")
        assert (status, output) == (2, "")
        assert "no consumer nope here; there is: library.accounts.events, test.accounts.events" in complaint
    assert await bench.size("dead_letters") == 2


async def test_a_list_shows_where_each_record_lay(bench: Bench, environment: dict[str, str]) -> None:
    await parked(bench, opened(uuid4()))
    [letter] = await bench.rows("dead_letters")
    _, listed, _ = await run(environment, "list")
    assert f"  at accounts.events/0/{letter['offset']}  " in listed


async def test_several_are_dropped_for_one_reason_and_one_that_is_gone_stops_no_other(
    bench: Bench, environment: dict[str, str]
) -> None:
    first, second, third = await parked(bench, *(opened(uuid4()) for _ in range(3)))
    by = ("--reason", "sent twice", "--by", "marie")

    status, done, complaint = await run(environment, "drop", first, third + 1, second, first, *by)

    assert status == 1
    assert [line.split()[0] for line in done.splitlines()] == [str(first), str(second)]
    assert complaint.startswith(f"{third + 1}  no such letter")
    rows = [row for row in await bench.rows("audit") if row["action"] != "refused"]
    audited = [(row["action"], row["detail"]["letter"], row["detail"]["reason"]) for row in rows]
    assert audited == [("dead_letter.dropped", letter, "sent twice") for letter in (first, second)]
    status, done, complaint = await run(environment, "drop", third, *by)
    assert (status, complaint) == (0, "")


async def test_a_wrong_command_line_does_nothing_and_says_why(bench: Bench, environment: dict[str, str]) -> None:
    await parked(bench, opened(uuid4()))
    for arguments in (
        [],
        ["redrive", "--by", "marie"],
        ["redrive", "1", "--all", "--by", "marie"],
        ["redrive", "--all"],
        ["drop", "1", "--by", "marie"],
        ["drop", "--reason", "sent twice", "--by", "marie"],
        ["drop", "1", "--reason", " ", "--by", "marie"],
        ["show", "one"],
    ):
        status, output, complaint = await run(environment, *arguments)
        assert (status, output) == (2, "")
        assert "error: " in complaint
    assert await bench.size("dead_letters") == 1


async def test_without_a_database_nothing_is_done_and_no_secret_is_shown(environment: dict[str, str]) -> None:
    nowhere = environment | {"MANDAT_DATABASE_URL": "postgresql://x:hunter2@127.0.0.1:1/x"}
    status, output, complaint = await run(nowhere, "list")
    assert (status, output) == (1, "")
    assert "the database does not answer" in complaint and "hunter2" not in complaint


async def test_settings_that_are_missing_are_named_as_the_environment_names_them(environment: dict[str, str]) -> None:
    faulty = {name: value for name, value in environment.items() if name not in ("MANDAT_AGENCY", "MANDAT_KEYRING")}
    status, output, complaint = await run(faulty, "list")
    assert (status, output) == (1, "")
    assert complaint.splitlines() == ["MANDAT_AGENCY is not set", "MANDAT_KEYRING is not set"]
