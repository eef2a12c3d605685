"""./mandat demo, ./mandat up and ./mandat run."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import yaml

from chassis.program import STARTED_AS
from local import ROOT, STATE, Problem
from local.child import tail
from local.ports import LEAST_SHIFT, MOST_SHIFT, SERVICES, SHIFT, Ports
from local.running import only_one
from local.stack import Stack

DEMO = STATE / "demo"
SHIFTED = "ports-shifted-by"  # in the data's folder, how `up` was asked for its ports
LONGEST_FIRST_LINE = 4 * 1024 * 1024  # bytes, as long as a line of an extract may be


def demo(agency: str, *, shift_ports: int = 0) -> int:
    """Plays the agency's journeys against a fresh stack, which is removed afterwards; its logs stay."""
    from local import journeys  # noqa: PLC0415 (needs all of the services' clients)

    ports = _ports(shift_ports)

    with only_one():
        shutil.rmtree(DEMO, ignore_errors=True)  # left by a demo that was killed
        print(f"Starting Mandat for {agency} …", flush=True)
        try:
            with Stack(agency, DEMO / agency, say=_say, ports=ports) as stack:
                held = journeys.play(agency, stack)
                print("\nStopping …", flush=True)
        except KeyboardInterrupt:
            print("\nStopped before the end, by Ctrl-C or ./mandat down.", flush=True)
            raise
        finally:
            shutil.rmtree(DEMO, ignore_errors=True)
    return 0 if held else 1


def up(agency: str, *, fresh: bool, shift_ports: int = 0) -> int:
    """Runs the stack until Ctrl-C or ./mandat down.

    Its data stay for the next time, unless `fresh` asks to forget them. Commands beside it find its ports alone.
    """
    folder = STATE / "data" / agency
    ports = _ports(shift_ports)
    with only_one():
        ports.check()
        if fresh:
            shutil.rmtree(folder, ignore_errors=True)
        stack = Stack(agency, folder, say=_say, ports=ports)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / SHIFTED).write_text(str(shift_ports))
        print(f"Starting Mandat for {agency} …", flush=True)
        try:
            with stack:
                if (stack.agency_folder / "demo" / "sign-ins.yaml").exists():
                    from local.journeys import coordinates  # noqa: PLC0415 (needs the services' clients)

                    coordinates.send(stack)
                print(_summary(stack), flush=True)
                _watch(stack)
        except KeyboardInterrupt:
            print("Stopped. The data stay in .mandat/data, except the inbox; ./mandat up continues with them.")
    return 0


def run(agency: str, service: str, arguments: Sequence[str]) -> int:
    """Runs one of a service's commands as an operator would beside the stack of `up`. Returns its exit code."""
    if service not in SERVICES:
        raise Problem(f"There is no service {service!r}; there are: {', '.join(SERVICES)}.")
    folder = STATE / "data" / agency
    shifted = folder / SHIFTED
    stack = Stack(agency, folder, say=_say, ports=_ports(int(shifted.read_text() or 0) if shifted.exists() else 0))
    if not stack.keyrings.public.exists():
        raise Problem("There is no stack yet to run it beside: ./mandat up, in another terminal.")
    command = [sys.executable, "-m", f"services.{service}", *arguments]
    told = stack.environment(service) | {STARTED_AS: f"./mandat run {service}"}
    return subprocess.call(command, env=dict(os.environ) | told, cwd=ROOT)


def verify_audit(agency: str, service: str | None, heads: Path | None) -> int:
    """Has each service, or one, verify its audit, also those after one that fails. Returns 0 when all are as sealed."""
    arguments = ["audit", "verify", *([] if heads is None else ["--heads", str(heads.resolve())])]
    _say("Each service computes the chains of its audit anew, and compares them with the heads that were published …")
    codes = [run(agency, one, arguments) for one in ([service] if service else SERVICES)]
    return max(codes)


def bring_in(agency: str, files: Sequence[Path], *, dry_run: bool) -> int:
    """Runs the import of the service that each file is for, beside the stack of `up`. Returns the worst exit code.

    Raises Problem for a file that is not there.
    """
    by_service: dict[str, list[str]] = {}
    for file in files:
        if not file.is_file():
            raise Problem(f"There is no file {file}.")
        by_service.setdefault(_importer(file), []).append(str(file.resolve()))
    options = ["--dry-run"] if dry_run else []
    return max(run(agency, service, ["import", *options, *names]) for service, names in sorted(by_service.items()))


def _importer(file: Path) -> str:
    """The service that imports a file, as its first line shows: linking takes former credentials.

    Raises Problem for a file that begins like neither.
    """
    with file.open("rb") as lines:
        first = lines.readline(LONGEST_FIRST_LINE)
    try:
        names = json.loads(first)
    except ValueError:
        names = re.split(r"[,;\t]", first.decode(errors="replace").removeprefix("\ufeff").strip().lower())
    if isinstance(names, list | dict):
        if "record" in names or "organization" in names:
            return "authorizations"
        if "user_name" in names:
            return "linking"
    raise Problem(
        f"{file} is neither an extract nor former credentials: its first line has no record, organization or"
        " user_name. See docs/how-to/import.md."
    )


def _ports(shift: int) -> Ports:
    """Raises Problem when some of them would be no ports, or only root's."""
    if not LEAST_SHIFT <= shift <= MOST_SHIFT:
        raise Problem(f"{SHIFT} takes a number from {LEAST_SHIFT} to {MOST_SHIFT}.")
    return Ports.shifted(shift)


def _watch(stack: Stack) -> None:
    """Waits for Ctrl-C; says it when a process ends by itself, and leaves the others running."""
    while True:
        for child in stack.processes.ended():
            code = child.process.returncode
            print(f"\n{child.name} has ended by itself (exit code {code}). The end of its log:", file=sys.stderr)
            print(tail(child.log), file=sys.stderr)
            print(
                f"The others go on without {child.name}. ./mandat down, then ./mandat up, starts it again;"
                f" ./mandat logs {child.name} shows its whole log.",
                file=sys.stderr,
                flush=True,
            )
        time.sleep(0.5)


def _summary(stack: Stack) -> str:
    rows = [
        f"  {service:<16}{stack.gateway(service)}   API description {stack.operations(service)}/openapi.json"
        for service in SERVICES
    ]
    rows += [f"  {'inbox':<16}{stack.inbox}   every mail that is sent arrives here"]
    rows += [f"  {'Kafka':<16}{stack.kafka.servers}   events for subscribers: docs/how-to/subscribe.md"]
    rows += [f"  {'demo agents':<16}{stack.demo_issuer}/token   tokens for the agency's agents"]
    rows += [f"  {'machine':<16}client {stack.machine[0]}, secret in {_short(stack.keyrings.machine_secret_file)}"]
    rows += _sign_ins(stack.agency_folder / "demo" / "sign-ins.yaml")
    rows += ["\nThe calls of a portal, to copy: docs/how-to/portal.md"]
    rows += ["Running. Ctrl-C stops it; ./mandat logs -f SERVICE follows a log."]
    return "\n" + "\n".join(rows)


def _sign_ins(file: Path) -> list[str]:
    """Who may be tried out, if the agency has demo data: address, name and role of each, and the password."""
    if not file.exists():
        return []
    content = yaml.safe_load(file.read_text(encoding="utf-8"))
    people = [
        f"  {person['email']:<32}{person['given_name']} {person['family_name']}: {person['role']['en']}"
        for person in content["people"]
    ]
    steps = [f"  {number}. {step['en']}" for number, step in enumerate(content["steps"], 1)]
    return [f"\nDemo sign-ins ({_short(file)}), password: {content['password']}", *people, *steps]


def _short(path: object) -> str:
    return str(path).removeprefix(f"{ROOT}/")


def _say(line: str) -> None:
    print(line, flush=True)
