"""Golden examples: what is on the topics today stays readable, and what is written today is what was promised."""

import json
from typing import Any

import jsonschema_rs
import pytest

from contracts import asyncapi, generate, jsonschema
from contracts.cloudevents import Forgotten, Malformed, read_envelope, read_event
from contracts.events import Event
from contracts.notifications import MAIL_REQUESTS, MailRequest
from contracts.tests.examples import EVENTS, GOLDEN, SEALED_CONTENTS, envelope, files

EACH_EVENT = pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
EACH_REQUEST = pytest.mark.parametrize("request_type", MAIL_REQUESTS, ids=lambda request: request.__name__)


def golden(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((GOLDEN / name).read_text(encoding="utf-8"))
    return content


def golden_of(event: Event) -> dict[str, Any]:
    return golden(jsonschema.file_name(type(event)))


def read(record: dict[str, Any]) -> Event | Forgotten:
    found = read_envelope([(name, value.encode()) for name, value in record["headers"].items()])
    return read_event(found, record["key"].encode(), json.dumps(record["value"]).encode())


def holds(event: Event, record: dict[str, Any]) -> bool:
    """Whether the record reads as the event, and the event writes what the record holds."""
    try:
        return read(record) == event and json.loads(event.model_dump_json()) == record["value"]
    except Malformed:
        return False


def test_every_event_has_one_golden_example_and_nothing_else_does() -> None:
    expected = {jsonschema.file_name(event) for event in generate.events()}
    expected |= {jsonschema.sealed_file_name(request) for request in MAIL_REQUESTS}
    assert {file.name for file in GOLDEN.iterdir()} == expected
    assert [type(event) for event in sorted(EVENTS, key=lambda event: event.type_name())] == generate.events()


@EACH_EVENT
def test_a_golden_example_reads_as_the_event_it_stands_for(event: Event) -> None:
    record = golden_of(event)
    assert read(record) == event
    assert read_envelope([(name, value.encode()) for name, value in record["headers"].items()]) == envelope(event)


@pytest.mark.parametrize("name", sorted(file.name for file in GOLDEN.iterdir()))
def test_what_is_written_today_is_the_golden_example_byte_for_byte(name: str) -> None:
    assert files()[name] == (GOLDEN / name).read_text(encoding="utf-8")


@EACH_EVENT
def test_a_field_that_a_later_version_adds_is_ignored(event: Event) -> None:
    record = golden_of(event)
    record["value"]["added_later"] = {"anything": ["at", "all"]}
    record["headers"]["ce_addedlater"] = "anything"
    assert read(record) == event


@EACH_EVENT
def test_no_field_can_be_removed_or_renamed_unnoticed(event: Event) -> None:
    for field in golden_of(event)["value"]:
        removed, renamed = golden_of(event), golden_of(event)
        renamed["value"][f"{field}_renamed"] = renamed["value"][field]
        del removed["value"][field], renamed["value"][field]
        assert not holds(event, removed), field
        assert not holds(event, renamed), field


@EACH_EVENT
def test_an_example_shows_every_field_with_a_value_that_is_not_its_default(event: Event) -> None:
    """Otherwise a lost field would read back as its default, and nobody would see it."""
    for name, field in type(event).model_fields.items():
        assert field.is_required() or getattr(event, name) != field.get_default(), name


@EACH_EVENT
def test_a_golden_example_fits_its_schema(event: Event) -> None:
    schema = json.loads((generate.FOLDER / "schemas" / jsonschema.file_name(type(event))).read_text(encoding="utf-8"))
    jsonschema_rs.Draft202012Validator(schema, validate_formats=True).validate(golden_of(event)["value"])


@EACH_EVENT
def test_the_headers_of_a_golden_example_fit_what_asyncapi_says(event: Event) -> None:
    document = asyncapi.document([type(event)])
    (message,) = document["components"]["messages"].values()
    schema = {**message["headers"], "components": document["components"]}
    jsonschema_rs.Draft202012Validator(schema, validate_formats=True).validate(golden_of(event)["headers"])


@EACH_REQUEST
def test_sealed_content_reads_writes_and_fits_its_schema(request_type: type[MailRequest]) -> None:
    name = jsonschema.sealed_file_name(request_type)
    schema = json.loads((generate.FOLDER / "schemas" / name).read_text(encoding="utf-8"))
    jsonschema_rs.Draft202012Validator(schema, validate_formats=True).validate(golden(name))
    contents = request_type.contents.model_validate({**golden(name), "added_later": 1})
    assert contents == SEALED_CONTENTS[request_type]
    assert type(contents) is type(SEALED_CONTENTS[request_type])
