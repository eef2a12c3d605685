"""Of a parked message an operator sees enough to decide, and nothing that identifies a person or lets one act."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from chassis.dead_letters.masking import key_of, mask, masked, payload_of
from chassis.tests.letters import letter_of
from chassis.tests.library import opened
from contracts import accounts, authorizations, jsonschema, linking, notifications
from contracts.events import REGISTRY, Code, Event, Span

GOLDEN = Path(authorizations.__file__).parent / "golden"
MODULES = {module.__name__ for module in (accounts, authorizations, linking, notifications)}
EVENTS = sorted((event for event in REGISTRY.values() if event.__module__ in MODULES), key=lambda e: e.type_name())


def example(event: type[Event]) -> Any:
    golden = json.loads((GOLDEN / jsonschema.file_name(event)).read_text(encoding="utf-8"))
    return event.model_validate(golden["value"])


def free_texts(model: Any, value: Any) -> Iterator[str]:
    """Every value whose Python type is a plain str: names, addresses, numbers that are text, sealed content."""
    if isinstance(value, BaseModel):
        for name, field in type(value).model_fields.items():
            if not (isinstance(value, Span) and name in ("starts_on", "ends_on")) and not _is_plain(field):
                yield from free_texts(field.annotation, getattr(value, name))
    elif isinstance(value, tuple | list):
        for item in value:
            yield from free_texts(model, item)
    elif type(value) is str and "Literal" not in str(model):
        yield value


CODE = Code.__metadata__[0].metadata[0].pattern  # type: ignore[attr-defined]
DATE = r"^\d{4}-\d{2}-\d{2}$"


def _is_plain(field: FieldInfo) -> bool:
    """Whether a field holds a code, or a code or nothing, or codes, or a legal date."""
    patterned = [getattr(found, "pattern", None) for found in field.metadata]
    return patterned in ([CODE], [DATE]) or field.annotation in (Code | None, tuple[Code, ...])


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.__name__)
def test_no_free_text_of_any_event_is_shown(event: type[Event]) -> None:
    found = example(event)
    shown = json.dumps(mask(found), ensure_ascii=False)
    for text in free_texts(None, found):
        assert json.dumps(text, ensure_ascii=False) not in shown
    assert found.key in shown


def test_the_search_for_free_texts_finds_them() -> None:
    contact = example(authorizations.Contact)
    texts = set(free_texts(None, contact))
    assert {contact.family_name, contact.given_name, contact.client_number} <= texts
    assert contact.telephones[0].number in texts
    assert not {"fr", "en", contact.functions[0].type, contact.functions[0].starts_on} & texts


def test_a_contact_shows_its_ids_codes_dates_and_numbers() -> None:
    contact = example(authorizations.Contact)
    shown = mask(contact)
    assert shown["contact_id"] == str(contact.contact_id)
    assert shown["version"] == contact.version
    assert shown["functions"][0]["type"] == contact.functions[0].type
    assert shown["functions"][0]["starts_on"] == contact.functions[0].starts_on
    assert shown["family_name"] == masked(contact.family_name)
    assert shown["telephones"][0]["number"] == masked(contact.telephones[0].number)


def test_a_field_that_the_type_does_not_know_is_left_out() -> None:
    event = opened(uuid4())
    value = json.dumps({**event.model_dump(mode="json"), "password": "hunter2"}).encode()
    assert "hunter2" not in json.dumps(payload_of(letter_of(event, value=value)))


@pytest.mark.parametrize("value", [b"\xff", b"{}", b"[" * 10_000, b'{"account_id": "person@example.com"}', None])
def test_what_its_type_cannot_read_is_not_shown(value: bytes | None) -> None:
    assert payload_of(letter_of(opened(uuid4()), value=value)) is None


@pytest.mark.parametrize("key", [b"person@example.com", b"\xff", b""])
def test_a_key_that_is_no_identifier_is_shown_by_its_digest(key: bytes) -> None:
    shown = key_of(letter_of(opened(uuid4()), key=key))
    assert shown is not None and shown.startswith("sha256:") and "person" not in shown
