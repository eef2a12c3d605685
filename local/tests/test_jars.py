"""Kafka's jars: several first starts at once fetch each of them once."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from local import jars


def test_first_starts_at_the_same_moment_fetch_each_jar_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fetched: list[str] = []

    def fetch(folder: Path, coordinates: str, digest: str) -> None:
        fetched.append(coordinates)
        time.sleep(0.05)
        path = folder / jars._relative_path(coordinates)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(digest)

    monkeypatch.setattr(jars, "_fetch", fetch)
    with ThreadPoolExecutor(3) as starts:
        paths = list(starts.map(jars.class_path, [tmp_path] * 3))
    assert paths[0] == paths[1] == paths[2]
    assert len(fetched) == len(set(fetched)) == len(paths[0])
