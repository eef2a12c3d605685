"""Kafka's jars: fetched once from the Maven repository, checked against committed sums, then never asked for
again.

`kafka.sha256` names every jar by its Maven coordinates and SHA-256. It was written by `python -m
local.jars`, which walks the dependencies; starting a broker only fetches what the list names, so that what
runs is what was reviewed.
"""

import fcntl
import gc
import hashlib
import os
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from local import STATE, Problem

BROKER = "org.apache.kafka:kafka_2.13:4.3.1"
"""4.4.0 does not resolve: its kafka-tools-api jar is not published."""

LOG_BINDING = "org.slf4j:slf4j-simple:1.7.36"
"""Without a binding the broker logs nothing. This one writes to stderr, so to the broker's log file."""

SUMS = Path(__file__).with_name("kafka.sha256")
FOLDER = STATE / "jars"


def class_path(folder: Path = FOLDER) -> list[Path]:
    """The jars, in class path order, fetched into `folder` (a Maven repository layout) when they are not
    there.

    `folder/complete` holds the digest of the list that was fetched: a warm start reads one small file.
    Raises Problem when a jar cannot be fetched or does not have its committed sum.
    """
    wanted = {coordinates: digest for digest, coordinates in map(str.split, SUMS.read_text().splitlines())}
    paths = [folder / _relative_path(coordinates) for coordinates in wanted]
    mark, list_digest = folder / "complete", hashlib.sha256(SUMS.read_bytes()).hexdigest()

    def complete() -> bool:
        return mark.exists() and mark.read_text() == list_digest and all(path.exists() for path in paths)

    if complete():
        return paths
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # several first starts at once, as of tests: the others wait for one
        if not complete():
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ResourceWarning)  # jgo has left a connection to a slow one open
                with ThreadPoolExecutor(8) as threads:
                    list(threads.map(lambda item: _fetch(folder, *item), wanted.items()))
                gc.collect()
            mark.write_text(list_digest)
    return paths


def _fetch(folder: Path, coordinates: str, digest: str) -> None:
    """Fetches one jar by jgo. (Never jgo.build, which fetches a whole JDK to classify the jars.)"""
    from jgo.maven import MavenContext  # noqa: PLC0415 (needed on the first start only)

    group, name, version = coordinates.split(":")
    path = folder / _relative_path(coordinates)
    for attempt in (1, 2, 3):
        try:
            context = MavenContext(repo_cache=folder, timeout=60)
            context.project(group, name).at_version(version).artifact().resolve()
            break
        except Exception as error:
            if attempt == 3:
                raise Problem(
                    f"Kafka's {name}-{version}.jar could not be fetched from the Maven repository "
                    f"({type(error).__name__}). The first start needs the network."
                ) from error
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != digest:
        path.unlink()
        raise Problem(f"{name}-{version}.jar is not the file that {SUMS.name} names: its SHA-256 is {found}.")


def _relative_path(coordinates: str) -> Path:
    group, name, version = coordinates.split(":")
    return Path(*group.split("."), name, version, f"{name}-{version}.jar")


def write_sums() -> None:
    """Resolves the dependencies of BROKER and writes kafka.sha256 anew: for a change of version, to be
    reviewed."""
    import jgo  # noqa: PLC0415

    os.environ["M2_REPO"] = str(FOLDER)
    lines = [
        f"{hashlib.sha256(artifact.resolve().read_bytes()).hexdigest()}  "
        f"{artifact.groupId}:{artifact.artifactId}:{artifact.version}\n"
        for endpoint in (BROKER, LOG_BINDING)
        for artifact in jgo.resolve(endpoint)
    ]
    SUMS.write_text("".join(dict.fromkeys(lines)))


if __name__ == "__main__":
    write_sums()
