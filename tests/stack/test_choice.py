"""Which servers a run of the tests gets. No engine runs in these tests: what answers is a fake daemon."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import unquote

import pytest

from tests.fixtures import containers
from tests.fixtures.choice import DATABASE_URL, KAFKA_SERVERS, VARIABLE, Kind, Unavailable, choose
from tests.fixtures.patience import PATIENCE

URLS = {DATABASE_URL: "postgresql://postgres:secret@db.example:5432/postgres", KAFKA_SERVERS: "kafka.example:9092"}


def nothing() -> None:
    """No obstacle."""


def engine_is_missing() -> str:
    return "no container engine answers"


def never_asked() -> str:
    raise AssertionError("nobody needed to know")


@pytest.mark.parametrize(
    ("environment", "kind"),
    [
        ({}, Kind.EMBEDDED),
        ({VARIABLE: "auto"}, Kind.EMBEDDED),
        ({DATABASE_URL: URLS[DATABASE_URL]}, Kind.EMBEDDED),
        (URLS, Kind.EXTERNAL),
        ({**URLS, VARIABLE: "embedded"}, Kind.EMBEDDED),
        ({**URLS, VARIABLE: "external"}, Kind.EXTERNAL),
    ],
)
def test_without_an_engine(environment: Mapping[str, str], kind: Kind) -> None:
    assert choose(environment, engine_is_missing).kind is kind


@pytest.mark.parametrize(
    ("environment", "kind"),
    [
        ({}, Kind.CONTAINERS),
        ({VARIABLE: "containers"}, Kind.CONTAINERS),
        ({**URLS, VARIABLE: "containers"}, Kind.CONTAINERS),
        (URLS, Kind.EXTERNAL),
        ({VARIABLE: "embedded"}, Kind.EMBEDDED),
    ],
)
def test_with_an_engine_that_has_every_image(environment: Mapping[str, str], kind: Kind) -> None:
    assert choose(environment, nothing).kind is kind


def test_an_external_stack_is_the_one_that_was_named() -> None:
    chosen = choose(URLS, never_asked)
    assert (chosen.database_url, chosen.kafka_servers) == tuple(URLS.values())
    assert "secret" not in str(chosen)


@pytest.mark.parametrize(
    ("environment", "reason"),
    [
        ({VARIABLE: "containers"}, "no container engine answers"),
        ({VARIABLE: "external"}, KAFKA_SERVERS),
        ({VARIABLE: "podman"}, "auto, containers, embedded, external"),
    ],
)
def test_what_cannot_be_had_is_refused_and_not_replaced(environment: Mapping[str, str], reason: str) -> None:
    with pytest.raises(Unavailable, match=reason):
        choose(environment, engine_is_missing)


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fake daemon shares this process, which may be given little of its machine."""
    monkeypatch.setattr(containers, "ENGINE_TIMEOUT", PATIENCE)


@contextmanager
def fake_daemon(images: tuple[str, ...]) -> Iterator[str]:
    """Answers as a container engine does when asked for its version and for these images, and can do nothing else."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = unquote(self.path)
            image = path.partition("/images/")[2].removesuffix("/json")
            if path == "/version":
                self._say(200, {"ApiVersion": "1.44", "Version": "fake"})
            elif path.endswith("/_ping"):
                self._say(200, {})
            elif image in images:
                self._say(200, {"Id": "sha256:0", "RepoTags": [image]})
            else:
                self._say(404, {"message": f"No such image: {image}"})

        do_HEAD = do_GET

        def _say(self, status: int, body: dict[str, object]) -> None:
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"tcp://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def test_an_engine_with_every_image_is_no_obstacle(monkeypatch: pytest.MonkeyPatch) -> None:
    with fake_daemon(containers.images()) as where:
        monkeypatch.setenv("DOCKER_HOST", where)
        assert containers.obstacle() is None


def test_an_image_that_would_have_to_be_pulled_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    *others, last = containers.images()
    with fake_daemon(tuple(others)) as where:
        monkeypatch.setenv("DOCKER_HOST", where)
        assert containers.obstacle() == f"the container engine has no image {last}"


def test_an_engine_that_does_not_answer_is_an_obstacle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
    assert containers.obstacle() == "no container engine answers"
