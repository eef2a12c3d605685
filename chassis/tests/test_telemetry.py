"""Logs show facts and places in the code, and nobody's data."""

import io
import json
import logging
import sys
from collections.abc import Callable

import asyncpg
import pytest
import structlog
from aiokafka.errors import KafkaConnectionError
from opentelemetry import trace
from pydantic import BaseModel, ValidationError

from chassis import telemetry
from chassis.outcomes import Poison
from chassis.telemetry import described
from chassis.tests.conftest import Bench

DATA = "anne@example.com"


Lines = Callable[[], list[dict[str, str]]]


@pytest.fixture
def lines(logs_put_back: None) -> Lines:
    """What a process that configured its telemetry has written, line by line."""
    root = logging.getLogger()
    handlers = root.handlers
    telemetry.configure("library", "INFO")
    [handler] = root.handlers
    assert isinstance(handler, logging.StreamHandler)
    assert handler.stream is sys.stderr
    written = handler.stream = io.StringIO()
    root.handlers = [*handlers, handler]  # with pytest's own
    return lambda: [json.loads(line) for line in written.getvalue().splitlines()]


def test_every_line_is_json_with_the_service_also_a_librarys(lines: Lines) -> None:
    structlog.get_logger().info("book added", book_id="7")
    logging.getLogger("some.library").warning("with %s", "arguments")

    own, librarys = lines()
    assert (own["event"], own["book_id"], own["level"], own["service"]) == ("book added", "7", "info", "library")
    assert (librarys["event"], librarys["service"]) == ("with arguments", "library")


def test_a_line_names_the_trace_in_which_it_was_written(lines: Lines) -> None:
    context = trace.SpanContext(0x5B8EFFF798038103D269B633813FC60C, 1, is_remote=False)
    with trace.use_span(trace.NonRecordingSpan(context)):
        structlog.get_logger().warning("relay pauses")
    structlog.get_logger().warning("relay pauses")

    within, without = lines()
    assert within["trace_id"] == "5b8efff798038103d269b633813fc60c"
    assert "trace_id" not in without


async def test_a_traceback_shows_the_place_and_the_kind_of_error_and_no_value(bench: Bench, lines: Lines) -> None:
    class Person(BaseModel):
        age: int

    await bench.pool.execute("create table people (email text unique, age int check (age > 0))")
    await bench.pool.execute("insert into people values ($1, 1)", DATA)
    try:
        try:
            await bench.pool.execute("insert into people values ($1, 1)", DATA)
        except asyncpg.UniqueViolationError as error:
            raise KeyError(DATA) from error
    except KeyError:
        structlog.get_logger().exception("failed")
    try:
        Person.model_validate({"age": DATA})
    except ValidationError:
        logging.getLogger("some.library").exception("failed too")
    try:
        await bench.pool.execute("insert into people values ($1, -1)", DATA)
    except asyncpg.CheckViolationError as error:
        structlog.get_logger().error("failed as well", exc_info=error)

    found = lines()
    assert DATA not in json.dumps(found)
    assert "UniqueViolationError 23505 people_email_key" in found[0]["exception"]
    assert found[0]["exception"].endswith("KeyError")
    assert "test_telemetry.py" in found[0]["exception"]
    assert "ValidationError" in found[1]["exception"]
    assert "CheckViolationError 23514 people_age_check" in found[2]["exception"]


def test_messages_about_systems_and_our_own_are_kept() -> None:
    assert described(ConnectionRefusedError(111, "refused")) == "ConnectionRefusedError: [Errno 111] refused"
    assert "KafkaConnectionError" in described(KafkaConnectionError("broker 1"))
    assert described(Poison("the seal cannot be opened")) == "Poison: the seal cannot be opened"
    assert described(ValueError(DATA)) == "ValueError"


def test_a_librarys_flood_is_thinned_and_nobody_elses(lines: Lines) -> None:
    for number in range(120):
        logging.getLogger("aiokafka.consumer.fetcher").error("node %s is away", number)
        logging.getLogger("some.library").error("away")
    logging.getLogger("aiokafka.conn").error("something else")

    found = [line["event"] for line in lines()]
    assert found.count("away") == 120
    assert [event for event in found if event.startswith("node")] == [
        "node 0 is away",
        "node 50 is away",
        "node 100 is away",
    ]
    assert "something else" in found
