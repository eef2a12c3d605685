"""Writes what is generated from the contracts and the gateways: `python -m contracts.generate [--check]`.

- contracts/schemas/: a JSON Schema for each event, and for what each mail request seals;
- contracts/asyncapi.yaml: topics, messages, who sends and who receives;
- contracts/openapi/: each service's gateway, as `python -m services.NAME openapi` tells it;
- deploy/helm/mandat/files/contracts.yaml: what the chart is told of both.

The same sources always give the same bytes. With --check nothing is written: exit status 1 names each file that is not
what its sources say. A gateway that cannot tell its document is reported, and leaves its committed file as it is.
"""

import importlib
import json
import os
import pkgutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import contracts
from contracts import asyncapi, chart, flow, jsonschema
from contracts.events import REGISTRY, Event
from contracts.notifications import MailRequest

FOLDER = Path(__file__).parent
ROOT = FOLDER.parent
CHART = "deploy/helm/mandat/files/contracts.yaml"
COMMAND = "python -m contracts.generate"
GATEWAY_TIMEOUT = 120  # seconds; importing a service takes about 2, on a busy machine many times that

Documents = Mapping[str, str]
"""The text of each file, by its path within the repository."""


@dataclass(frozen=True)
class Failure:
    """Why a gateway told no document, in one line."""

    why: str


def main(arguments: Sequence[str]) -> int:
    """Write everything, or with --check compare everything. Returns the process's exit status."""
    if arguments not in ([], ["--check"]):
        _tell(f"usage: {COMMAND} [--check]")
        return 2
    with ThreadPoolExecutor(len(flow.SERVICES)) as executor:
        asked = executor.map(_gateway, flow.SERVICES)
        documents = event_documents()
        gateways = dict(zip(flow.SERVICES, asked, strict=True))
    failed = {service: answer for service, answer in gateways.items() if isinstance(answer, Failure)}
    documents |= {_gateway_path(service): answer for service, answer in gateways.items() if isinstance(answer, str)}
    if not failed:
        documents[CHART] = chart.written({service: documents[_gateway_path(service)] for service in flow.SERVICES})
    stale = differences(ROOT, documents, kept=[_gateway_path(service) for service in failed])

    if arguments == ["--check"]:
        for path, what in stale.items():
            _tell(f"{path} {what}")
        if stale:
            _tell(f"To mend: {COMMAND}")
    else:
        write(ROOT, documents, stale)
    for service, failure in failed.items():
        _tell(f"services/{service} told no OpenAPI document: {failure.why}")
        _tell(f"To see why: python -m services.{service} openapi")
    return 1 if failed or (stale and arguments) else 0


def events() -> list[type[Event]]:
    """Every event of the contracts, by type name."""
    for module in pkgutil.iter_modules(contracts.__path__, "contracts."):
        if module.name != "contracts.generate":
            importlib.import_module(module.name)
    return [event for _, event in sorted(REGISTRY.items()) if event.__module__.startswith("contracts.")]


def event_documents() -> dict[str, str]:
    """The JSON Schemas and asyncapi.yaml."""
    found = events()
    documents = {"contracts/asyncapi.yaml": asyncapi.written(found)}
    for event in found:
        documents[f"contracts/schemas/{jsonschema.file_name(event)}"] = _json(jsonschema.of_event(event))
        if issubclass(event, MailRequest):
            documents[f"contracts/schemas/{jsonschema.sealed_file_name(event)}"] = _json(jsonschema.of_sealed(event))
    return documents


def differences(folder: Path, documents: Documents, kept: Sequence[str] = ()) -> dict[str, str]:
    """What is wrong with each file under `folder` that is not as it should be: missing, different, or left over.

    `kept` are files about which nothing is known.
    """
    found = {}
    for path, text in documents.items():
        file = folder / path
        if not file.exists():
            found[path] = "is missing"
        elif file.read_bytes() != text.encode():
            found[path] = "is not what its sources say"
    for generated in ("contracts/schemas", "contracts/openapi"):
        for file in (folder / generated).glob("*"):
            path = f"{generated}/{file.name}"
            if path not in documents and path not in kept:
                found[path] = "is left over: nothing generates it any more"
    return dict(sorted(found.items()))


def write(folder: Path, documents: Documents, stale: Mapping[str, str]) -> None:
    """Bring the stale files to what they should be."""
    for path in stale:
        file = folder / path
        if path in documents:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(documents[path].encode())
            _tell(f"{path} written")
        else:
            file.unlink()
            _tell(f"{path} removed")


def _gateway(service: str) -> str | Failure:
    """What the service tells about its gateway; a process of its own, because contracts import no service."""
    try:
        done = subprocess.run(
            [sys.executable, "-m", f"services.{service}", "openapi"],
            cwd=ROOT,
            env={**os.environ, "PYTHONIOENCODING": "utf-8"},
            capture_output=True,
            encoding="utf-8",
            timeout=GATEWAY_TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Failure(f"no answer within {GATEWAY_TIMEOUT} s")
    if done.returncode != 0:
        return Failure((done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1])
    return done.stdout


def _gateway_path(service: str) -> str:
    return f"contracts/openapi/{service}.json"


def _json(document: dict[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def _tell(line: str) -> None:
    sys.stderr.write(line + "\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
