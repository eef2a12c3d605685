"""What of a letter may be shown. The contracts decide, not a list of names.

A value is shown where its schema leaves no room for a name, an address or a secret: uuid, date, date-time, number,
boolean, one of an enumeration, the form of a code or of a legal date. Every other text is masked, and a payload that is
not what its type says shows only its size and digest.
"""

import hashlib
import re
from functools import cache
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter, ValidationError

from chassis.letter import DeadLetter
from contracts.cloudevents import Envelope, Malformed, read_envelope, read_event
from contracts.events import REGISTRY, Code, Event, Span

FORMATS = {"uuid", "date", "date-time"}
PATTERNS = {
    TypeAdapter(Code).json_schema()["pattern"],
    Span.model_json_schema()["properties"]["starts_on"]["pattern"],
}
SOURCE = re.compile(r"urn:mandat:[a-z0-9_]{1,63}:[a-z]{1,63}")

Schema = dict[str, Any]


def masked(text: str) -> str:
    """What stands for a text that is not shown: its length in characters is."""
    return f"••• ({len(text)})"


def digest_of(content: bytes | None) -> str | None:
    """SHA-256, in hex."""
    return None if content is None else hashlib.sha256(content).hexdigest()


def key_of(letter: DeadLetter) -> str | None:
    """How the letter's key is shown and asked for: itself where it is an identifier, else `sha256:` and its digest."""
    if letter.key is None:
        return None
    try:
        text = letter.key.decode()
        return text if str(UUID(text)) == text else f"sha256:{digest_of(letter.key)}"
    except ValueError:
        return f"sha256:{digest_of(letter.key)}"


def envelope_of(letter: DeadLetter) -> Envelope | None:
    """The letter's attributes, where they are a CloudEvent's of ours."""
    try:
        envelope = read_envelope(letter.wire_headers())
    except Malformed:
        return None
    return envelope if envelope.type in REGISTRY else None


def event_id_of(letter: DeadLetter) -> UUID | None:
    """The event's id, where the letter has a readable one."""
    try:
        return read_envelope(letter.wire_headers()).id
    except Malformed:
        return None


def is_readable(letter: DeadLetter) -> bool:
    """Whether the letter holds a message that its type can read."""
    envelope = envelope_of(letter)
    if envelope is None:
        return False
    try:
        read_event(envelope, letter.key, letter.payload)
    except (Malformed, RecursionError):
        return False
    return True


def source_of(envelope: Envelope) -> str:
    """Who says that it published the event."""
    return envelope.source if SOURCE.fullmatch(envelope.source) else masked(envelope.source)


def payload_of(letter: DeadLetter) -> dict[str, Any] | None:
    """The payload as its type reads it, texts masked; None for a tombstone and for what the type cannot read."""
    envelope = envelope_of(letter)
    if envelope is None or letter.payload is None:
        return None
    try:
        event = REGISTRY[envelope.type].model_validate_json(letter.payload)
    except (ValidationError, RecursionError):
        return None
    return mask(event)


def mask(event: Event) -> dict[str, Any]:
    """An event's fields; a field that the type does not know is left out."""
    schema = _schema_of(type(event))
    shown: dict[str, Any] = _shown(event.model_dump(mode="json"), schema, schema.get("$defs", {}))
    return shown


@cache
def _schema_of(event: type[Event]) -> Schema:
    return event.model_json_schema(mode="validation")


def _shown(value: Any, schema: Schema, definitions: Schema) -> Any:
    choices = _choices(schema, definitions)
    match value:
        case None | bool() | int() | float():
            return value
        case str():
            texts = [choice for choice in choices if choice.get("type", "string") == "string"]
            return value if texts and all(map(_is_plain, texts)) else masked(value)
        case list():
            items = {"anyOf": [choice.get("items", {}) for choice in choices]}
            return [_shown(item, items, definitions) for item in value]
        case dict():
            known = {name for choice in choices for name in choice.get("properties", {})}
            field = {name: {"anyOf": [c.get("properties", {}).get(name, {}) for c in choices]} for name in known}
            return {name: _shown(found, field[name], definitions) for name, found in value.items() if name in known}
        case _:
            return masked(str(value))


def _choices(schema: Schema, definitions: Schema) -> list[Schema]:
    """The plain schemas that a value may follow."""
    if "$ref" in schema:
        return _choices(definitions[schema["$ref"].rsplit("/", 1)[1]], definitions)
    if "anyOf" in schema or "oneOf" in schema:
        several = [*schema.get("anyOf", ()), *schema.get("oneOf", ())]
        return [plain for one in several for plain in _choices(one, definitions)]
    return [schema]


def _is_plain(schema: Schema) -> bool:
    return "enum" in schema or "const" in schema or schema.get("format") in FORMATS or schema.get("pattern") in PATTERNS
