"""./mandat test: the parts that a change must pass, each shown with its time, and a summary at the end."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from local import ROOT, Problem

TOOLS = Path(sys.executable).parent

AT_ONCE = min((os.cpu_count() or 1) + 1, 4)
"""Test files at once. A test waits for servers most of its time; each process has a Kafka and a PostgreSQL of its own,
about 1 GB, so that many cores do not mean many processes."""

SHARED = ["-n", str(AT_ONCE), "--dist", "loadfile", "--no-loadscope-reorder"]
"""In the order of testpaths: whole stacks come first and wait a great deal, and what is short fills up the end. xdist
would begin with the files of most tests, and end with one process that plays a journey alone."""

PARTS: dict[str, list[str]] = {
    "format": [str(TOOLS / "ruff"), "format", "--check", "."],
    "lint": [str(TOOLS / "ruff"), "check", "."],
    "types": [str(TOOLS / "mypy")],
    "imports": [str(TOOLS / "lint-imports")],
    "generated": [sys.executable, "-m", "contracts.generate", "--check"],
    "tests": [sys.executable, "-m", "pytest", *SHARED],
}
"""Name → command, run from the repository's root, the quickest first. pytest stands last: its closing line
stays in sight."""


OPERATED = re.compile(r"^apiVersion: ([\w-]+)\.(?!k8s\.io/)[\w.-]+/(\w+)\nkind: (\w+)$", re.MULTILINE)
"""An object of a kind that Kubernetes itself does not know: the first word of its group, its version, its kind."""

CRDS = "MANDAT_CRDS"
"""Where the tests learn of a folder with operators' schemas, which are no part of this project."""


def without_schema(crds: Path) -> list[str]:
    """The kinds of operators' objects in the chart's templates for which the folder has no schema."""
    templates = (ROOT / "deploy" / "helm" / "mandat" / "templates").rglob("*.yaml")
    made = {kind for file in templates for kind in OPERATED.findall(file.read_text(encoding="utf-8"))}
    return sorted(
        kind for group, version, kind in made if not (crds / f"{kind}-{group}-{version}.json".lower()).exists()
    )


def run(names: Sequence[str], *, keep_going: bool = False, crds: Path | None = None) -> int:
    """Runs the named parts (all of them when none is named) and returns 0 if all passed.

    Stops at the first that fails, unless `keep_going`. With `crds` the chart is held to those schemas of operators too.
    Raises Problem for an unknown name, or a folder without schemas.
    """
    if crds is not None and not any(crds.glob("*.json")):
        raise Problem(f"{crds} holds no JSON Schema of a CustomResourceDefinition, such as httproute-gateway-v1.json.")
    told = dict(os.environ) | ({} if crds is None else {CRDS: str(crds.resolve())})
    if unknown := [name for name in names if name not in PARTS]:
        raise Problem(f"There is no part {unknown[0]!r}; the parts are: {', '.join(PARTS)}.")
    results: dict[str, tuple[bool, float]] = {}
    for name in names or PARTS:
        print(f"── {name}", flush=True)
        began = time.monotonic()
        passed = subprocess.run(PARTS[name], cwd=ROOT, env=told, check=False).returncode == 0
        results[name] = passed, time.monotonic() - began
        if not (passed or keep_going):
            break
    print()
    for name, (passed, seconds) in results.items():
        print(f"{name:<10} {'passed' if passed else 'FAILED'} {seconds:6.1f} s")
    if "tests" in results and CRDS not in told:
        print("The chart was not held to the operators' own schemas: they were not there (--crds FOLDER).")
    elif "tests" in results and (missing := without_schema(Path(told[CRDS]))):
        print(f"The chart was not held to schemas of {', '.join(missing)}: {told[CRDS]} has none of these.")
    if left := [name for name in names or PARTS if name not in results]:
        print(f"not run: {', '.join(left)}")
    return 0 if all(passed for passed, _ in results.values()) else 1
