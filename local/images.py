"""./mandat images: the platform's image and the four services', for one agency.

Needs Docker, or what answers to its name, and of Python nothing but itself.
"""

import json
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from local import ROOT, STATE, Problem

VERSION = "0.1.0"
"""Of the platform. What cannot read it here says the same: the chart, Dockerfiles, compose.yaml, pages."""

SERVICES = ("accounts", "linking", "authorizations", "notifications")
PLATFORM = "mandat-platform"
BASE = "python:3.11-slim-bookworm"

OUTPUT = STATE / "images"
"""Of each image its bill of materials and the log of its build."""

NO_DOCKER = "Images are built by Docker, and there is no docker on this machine's path."
LOG_TAIL = 15
"""Lines of a build's log that are shown when it failed."""


@dataclass(frozen=True)
class Build:
    """What is asked for: the agency whose folder goes in, the platform's version as tags name it, the image that all
    stand on, where they are to be pushed, and what else `docker build` is told."""

    agency: str
    version: str = VERSION
    base: str = BASE
    registry: str = ""
    options: Sequence[str] = ()

    @property
    def platform(self) -> str:
        """The name of the image with the packages, the contracts and the chassis."""
        return f"{self._prefix}{PLATFORM}:{self.version}"

    def service(self, name: str) -> str:
        """The name of a service's image, which holds the agency's folder: the chart makes the same."""
        return f"{self._prefix}mandat-{name}:{self.version}-{self.agency}"

    @property
    def labels_of_base(self) -> dict[str, str]:
        """The OCI's labels for what an image stands on; the digest is empty where the base is named by a tag alone."""
        name, _, digest = self.base.partition("@")
        return {"base.name": name, "base.digest": digest}

    @property
    def _prefix(self) -> str:
        return f"{self.registry.rstrip('/')}/" if self.registry else ""


def build(wanted: Build, *, push: bool = False) -> int:
    """Builds all, says name, size and time of each, keeps each one's SBOM in OUTPUT. Raises Problem."""
    _docker_answers()
    OUTPUT.mkdir(parents=True, exist_ok=True)
    names = [wanted.platform]
    _build_one(wanted, wanted.platform, "deploy/images/Dockerfile", {"BASE": wanted.base, "VERSION": wanted.version})
    for service in SERVICES:
        name = wanted.service(service)
        told = {"PLATFORM": wanted.platform, "AGENCY": wanted.agency}
        _build_one(wanted, name, f"services/{service}/Dockerfile", told)
        names.append(name)
    for name in names if push else ():
        _docker("push", "--quiet", name)
        print(f"  pushed {_docker('image', 'inspect', '--format', '{{index .RepoDigests 0}}', name)}", flush=True)
    if not wanted.labels_of_base["base.digest"]:
        print(f"{wanted.base} may be another image tomorrow: --base NAME@sha256:… pins it (docs/operations/images.md).")
    print(f"The bills of materials (CycloneDX) are in {OUTPUT.relative_to(ROOT)}.")
    return 0


def _build_one(wanted: Build, name: str, dockerfile: str, arguments: dict[str, str]) -> None:
    began = time.monotonic()
    labels = {
        "title": _short(name),
        "version": wanted.version,
        "revision": _revision(),
        **wanted.labels_of_base,
    }
    command = ["docker", "build", "--file", dockerfile, "--tag", name]
    command += [part for key, value in arguments.items() for part in ("--build-arg", f"{key}={value}")]
    command += [
        part for key, value in labels.items() for part in ("--label", f"org.opencontainers.image.{key}={value}")
    ]
    log = OUTPUT / f"{_short(name)}.log"
    with log.open("wb") as output:
        done = subprocess.run(
            [*command, *wanted.options, "."], cwd=ROOT, stdout=output, stderr=subprocess.STDOUT, check=False
        )
    if done.returncode != 0:
        end = "\n".join(log.read_text(errors="replace").splitlines()[-LOG_TAIL:])
        raise Problem(f"{name} could not be built. The end of its log ({log}):\n{end}")
    _keep_sbom(wanted, name)
    size = int(_docker("image", "inspect", "--format", "{{.Size}}", name))
    print(f"  {name:<44}{size / 1e6:6.0f} MB {time.monotonic() - began:6.1f} s", flush=True)


def _keep_sbom(wanted: Build, name: str) -> None:
    """Copies the bill of materials out of an image, and says in it whose it is."""
    container = _docker("create", name)
    file = OUTPUT / f"{_short(name)}.cdx.json"
    try:
        _docker("cp", f"{container}:/sbom.cdx.json", str(file))
    finally:
        _docker("rm", container)
    content = json.loads(file.read_text(encoding="utf-8"))
    content["metadata"]["component"] = {"type": "container", "name": _short(name), "version": wanted.version}
    file.write_text(json.dumps(content, indent=1), encoding="utf-8")


def _docker_answers() -> None:
    try:
        found = subprocess.run(["docker", "version"], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise Problem(NO_DOCKER) from None
    if found.returncode != 0:
        raise Problem(f"Images are built by Docker, and no daemon answers: {found.stderr.strip().splitlines()[-1]}")


def _docker(*arguments: str) -> str:
    """What a docker command prints. Raises Problem with what it says when it fails."""
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Problem(f"docker {arguments[0]} failed: {done.stderr.strip()}")
    return done.stdout.strip()


def _revision() -> str:
    """The commit that is built, or nothing where this is no checkout."""
    try:
        done = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return done.stdout.strip()


def _short(name: str) -> str:
    """An image's name without registry and tag."""
    return Path(name).name.partition(":")[0]
