"""What the images promise, as far as it can be seen without building them."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from docker.utils.build import exclude_paths

from local import ROOT, images
from local.ports import SERVICES
from tests.deploy import dockerfiles
from tests.deploy.dockerfiles import ALL, OF_SERVICES, PLATFORM

START = """
import sys
from importlib import import_module
from importlib.abc import MetaPathFinder
from importlib.metadata import packages_distributions
from pathlib import Path

pinned = sys.argv[1:]
absent = {
    module for module, names in packages_distributions().items()
    if not {name.lower().replace("_", "-").replace(".", "-") for name in names} & set(pinned)
}

class Absent(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name.partition(".")[0] in absent:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
for app in Path("services").glob("*/app.py"):
    import_module(f"services.{app.parent.name}.app")
for folder in Path("agencies").glob("*"):
    import_module("contracts.agency").load(folder)
"""
"""Imports all services and reads all agencies, in the folder it is started in, without packages that are not named."""


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a build is shown of the repository."""
    folder = tmp_path_factory.mktemp("context")
    patterns = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    for name in exclude_paths(str(ROOT), patterns) - {".dockerignore", "Dockerfile"}:
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, folder / name)
    return folder


def test_a_build_is_shown_neither_tests_nor_what_git_ignores(context: Path) -> None:
    shown = {path.relative_to(context) for path in context.rglob("*") if path.is_file()}
    tests = {str(path) for path in shown if "tests" in path.parts}

    assert tests == {
        *("tests/__init__.py", "tests/cluster/__init__.py", "tests/cluster/server.py"),
        *("tests/faults/__init__.py", "tests/faults/mail_host.py"),
    }
    assert {path.parts[0] for path in shown} == {
        *("agencies", "chassis", "contracts", "local", "requirements", "services", "tests")
    }
    assert not [path for path in shown if "__pycache__" in path.parts or path.suffix == ".pyc"]


def _sources(path: Path) -> list[str]:
    """What an image takes of the repository: each file or folder to the place where it stands here."""
    lines = [line.split() for stage in dockerfiles.read(path).stages for line in stage.all("COPY")]
    taken = [line for line in lines if not line[0].startswith("--from")]
    code = [line for line in taken if not line[0].startswith(("requirements/", "agencies/"))]
    assert all(line[1] in (line[0], f"{Path(line[0]).parent}/") for line in code)
    return [line[0] for line in code]


def test_services_run_on_what_their_images_are_given(context: Path, tmp_path: Path) -> None:
    for source in (*_sources(PLATFORM), *(one for path in OF_SERVICES.values() for one in _sources(path)), "agencies"):
        (tmp_path / source).parent.mkdir(parents=True, exist_ok=True)
        copy = shutil.copytree if (context / source).is_dir() else shutil.copyfile
        copy(context / source, tmp_path / source)
    requirements = (ROOT / "requirements" / "services.txt").read_text()
    pinned = re.findall(r"^([a-z0-9-]+)==", requirements, re.MULTILINE)

    done = subprocess.run(
        [sys.executable, "-c", START, *pinned], cwd=tmp_path, capture_output=True, text=True, check=False,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
    )  # fmt: skip

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("path", ALL, ids=str)
def test_nobody_is_root_and_nothing_is_fetched_unchecked(path: Path) -> None:
    file = dockerfiles.read(path)
    commands = [command for stage in file.stages for command in stage.all("RUN")]
    users = file.final.all("USER")

    assert not [stage for stage in file.stages if stage.all("ADD")]
    assert [command for command in commands if re.search(r"\b(curl|wget|apt-get|apk)\b", command)] == []
    assert len(re.findall(r"\binstall -r|install --", " ".join(commands))) == " ".join(commands).count(
        "--require-hashes"
    )
    assert users[-1:] == ["10001:10001"] or (users == [] and file.final.base == "${PLATFORM}")


@pytest.mark.parametrize("path", ALL, ids=str)
def test_every_stage_stands_on_what_is_given(path: Path) -> None:
    file = dockerfiles.read(path)
    given = {f"${{{name}}}" for name in file.arguments} | {stage.name for stage in file.stages if stage.name}

    assert {stage.base for stage in file.stages} <= given
    assert file.arguments in ({"BASE": images.BASE}, {"PLATFORM": images.Build("ccq").platform})


@pytest.mark.parametrize("service", SERVICES)
def test_the_agency_is_the_last_layer_of_an_image_that_runs_its_service(service: str) -> None:
    final = dockerfiles.read(OF_SERVICES[service]).final
    layers = [rest for word, rest in final.instructions if word in ("COPY", "RUN")]

    assert layers[-1] == "agencies/${AGENCY} /agency/${AGENCY}"
    assert final.environment() == {"MANDAT_AGENCY": "/agency/${AGENCY}"}
    assert [json.loads(rest) for rest in final.all("ENTRYPOINT")] == [["python", "-m", f"services.{service}"]]


def test_the_version_is_that_of_the_chart_of_compose_and_of_the_page_that_installs() -> None:
    chart = yaml.safe_load((ROOT / "deploy/helm/mandat/Chart.yaml").read_text())
    compose = re.findall(r"\$\{VERSION:-(.*?)\}", (ROOT / "compose.yaml").read_text())
    tags = re.findall(r"\b(\d+\.\d+\.\d+)-ccq\b", (ROOT / "docs/operations/install.md").read_text(encoding="utf-8"))

    assert len(compose) >= len(SERVICES) and tags
    assert {chart["version"], chart["appVersion"], *compose, *tags} == {images.VERSION}


def test_names_are_those_of_the_chart() -> None:
    there = images.Build("wsscc", "1.2.3", registry="registry.example.org/mandat/")

    assert images.SERVICES == SERVICES
    assert images.Build("ccq").service("linking") == f"mandat-linking:{images.VERSION}-ccq"
    assert there.service("linking") == "registry.example.org/mandat/mandat-linking:1.2.3-wsscc"
    assert there.platform == "registry.example.org/mandat/mandat-platform:1.2.3"


def test_a_base_by_digest_is_built_on_as_it_is_named_and_told_by_labels() -> None:
    pinned = images.Build("ccq", base=f"registry.example.org:5000/python:3.11@sha256:{'0' * 64}")

    assert {stage.base for stage in dockerfiles.read(dockerfiles.PLATFORM).stages} == {"${BASE}"}, "nothing is added"
    assert pinned.labels_of_base == {
        "base.name": "registry.example.org:5000/python:3.11",
        "base.digest": f"sha256:{'0' * 64}",
    }
    assert images.Build("ccq").labels_of_base == {"base.name": images.BASE, "base.digest": ""}


def test_what_is_lacking_is_said_in_one_sentence(tmp_path: Path) -> None:
    def said(path: Path) -> tuple[int, list[str]]:
        done = subprocess.run(
            [sys.executable, "-m", "local", "images"], cwd=ROOT, capture_output=True, text=True, check=False,
            env={"PATH": str(path), "DOCKER_HOST": f"unix://{tmp_path}/nobody.sock"},
        )  # fmt: skip
        return done.returncode, done.stderr.split("\n")[1:-1]

    status, sentences = said(tmp_path)

    assert (status, sentences) == (1, [images.NO_DOCKER])
