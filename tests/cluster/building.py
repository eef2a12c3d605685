"""The images of two commits, built from what git has of them, and brought to the cluster."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from local import ROOT, STATE, Problem
from local.ports import SERVICES
from tests.cluster.kube import run
from tests.faults.population import Population, let_through

FOLDER = STATE / "cluster"
"""Where commits are laid out, and what a run leaves behind."""

CODE_MINUTES = 10

EXPANDING_MIGRATION = "9000_expanded.sql"
IS_EXPANDED = (
    "select exists (select from information_schema.columns where table_name = 'outbox' and column_name = 'expanded')"
)

BROKEN_MIGRATION = "9999_broken.sql"
"""A migration that fails, in a copy of the new commit."""


STAND_INS = "mandat-stand-ins:trial"


@dataclass(frozen=True)
class Building:
    """How images are made: `base` is what they stand on, `options` go to docker build; `load` is a command that brings
    one image, whose name is its last argument, to the cluster: empty where the nodes see what Docker has."""

    base: str
    options: Sequence[str]
    load: str

    def build(self, tree: Path, agency: str, version: str) -> list[str]:
        """Builds the images of a laid-out commit, for one agency. Returns their names."""
        command = [sys.executable, "-m", "local", "images", "--agency", agency, "--tag", version]
        command += ["--base", self.base] if self.base else []
        done = subprocess.run(
            [*command, *(["--", *self.options] if self.options else [])],
            cwd=tree, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": ""},
        )  # fmt: skip
        if done.returncode != 0:
            raise Problem(f"The images of {tree.name} could not be built:\n{(done.stdout + done.stderr)[-3000:]}")
        return [service_image(service, version, agency) for service in SERVICES]

    @property
    def stand_ins_image(self) -> str:
        """The image of Kafka, PostgreSQL and the mail hosts."""
        return STAND_INS

    def stand_ins(self) -> str:
        """Builds the image of the stand-ins, from this working tree. Returns its name."""
        command = ["docker", "build", "--file", "tests/cluster/Dockerfile", "--tag", STAND_INS, *self.options]
        command += ["--build-arg", f"BASE={self.base}"] if self.base else []
        run(["sh", "-c", 'cd "$0" && exec "$@"', str(ROOT), *command, "."], patience=1800)
        return STAND_INS

    def bring(self, *names: str) -> None:
        """Brings images to the cluster."""
        for name in names if self.load else ():
            run([*self.load.split(), name], patience=900)


def service_image(service: str, version: str, agency: str) -> str:
    """As the chart names it."""
    return f"mandat-{service}:{version}-{agency}"


def commit_of(name: str) -> str:
    """The full id of a commit. Raises Problem when git knows none of that name."""
    return run(["git", "-C", str(ROOT), "rev-parse", "--verify", f"{name}^{{commit}}"]).strip()


def short(commit: str) -> str:
    """As people read it."""
    return commit[:12]


def lay_out(commit: str, folder: Path) -> Path:
    """The files of a commit, as git has them. Returns the folder."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    archive = subprocess.Popen(["git", "-C", str(ROOT), "archive", commit], stdout=subprocess.PIPE)
    subprocess.run(["tar", "-x", "-C", str(folder)], stdin=archive.stdout, check=True)
    if archive.wait() != 0:
        raise Problem(f"git has no files of {commit}.")
    return folder


def populate(tree: Path, agency: str, size: int) -> None:
    """Gives an agency of a laid-out commit limits that let a load through, and in place of its demo data the people and
    organizations of the load."""
    folder = tree / "agencies" / agency
    let_through(folder, CODE_MINUTES)
    for name, text in Population.of(folder, size).files().items():
        (folder / "demo" / f"{name}.ndjson").write_text(text, encoding="utf-8")


def expand(tree: Path) -> None:
    """Adds to each service of a laid-out commit a migration that expands what is written and read all the time: the
    later commit may have none, and an upgrade is to have one."""
    for service in SERVICES:
        file = tree / "services" / service / "migrations" / EXPANDING_MIGRATION
        file.write_text("alter table outbox add column expanded text;\n", encoding="utf-8")


def break_a_migration(tree: Path) -> None:
    """Adds a migration to a laid-out commit that fails, and would leave something behind if it were half done."""
    file = tree / "services" / "authorizations" / "migrations" / BROKEN_MIGRATION
    file.write_text("create table half_done (id int);\nselect 1 / 0;\n", encoding="utf-8")
