"""The JSON Schemas (2020-12) of events, and of what the mail requests seal, from the models and their docstrings."""

import re
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema

from contracts.events import Event
from contracts.notifications import MailRequest

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_WRAPPED_LINE = re.compile(r"(?<!\n)\n(?!\n)")


class _Generator(GenerateJsonSchema):
    """Leaves out the titles that would only repeat the fields' names."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def file_name(event: type[Event]) -> str:
    """The name of the event's schema within contracts/schemas/, and of its golden example within contracts/golden/."""
    return f"{_stem(event)}.json"


def sealed_file_name(request: type[MailRequest]) -> str:
    """The name of the schema of what the request's `sealed` holds."""
    return f"{_stem(request)}.sealed.json"


def sealed_schema_name(request: type[MailRequest]) -> str:
    """The URN of that schema, for example `urn:mandat:schema:notifications.VerificationCodeMail.sealed:1`."""
    return f"{request.schema_name().rsplit(':', 1)[0]}.sealed:{request.version_number}"


def documentation(model: type[BaseModel]) -> str:
    """The model's docstring with its wrapped lines joined; paragraphs stay apart."""
    return _joined(_schema(model)["description"])


def of_event(event: type[Event]) -> dict[str, Any]:
    """The schema of the event's value.

    A field with a default is not required: an event written before the field existed is still sound. Unknown fields are
    allowed: a reader ignores them.
    """
    schema = _document(event, event.schema_name(), event.__name__)
    if issubclass(event, MailRequest):
        schema["properties"]["sealed"] |= {
            "description": "A compact JWE (RFC 7516) to the key of notifications.",
            "x-mandat-sealed": sealed_schema_name(event),
        }
    return schema


def of_sealed(request: type[MailRequest]) -> dict[str, Any]:
    """The schema of the plaintext inside the request's `sealed`, which never stands on a topic as it is."""
    schema = _document(request.contents, sealed_schema_name(request), f"{request.__name__}: sealed content")
    schema["description"] = f"SEALED: the plaintext of the JWE in `sealed`, never in clear. {schema['description']}"
    return schema


def _stem(event: type[Event]) -> str:
    return f"{event.topic.service}.{event.__name__}.v{event.version_number}"


def _document(model: type[BaseModel], identity: str, title: str) -> dict[str, Any]:
    schema: dict[str, Any] = _described(_schema(model))
    return {"$schema": DIALECT, "$id": identity, **schema, "title": title}


def _schema(model: type[BaseModel]) -> dict[str, Any]:
    return model.model_json_schema(schema_generator=_Generator, mode="validation")


def _described(schema: Any) -> Any:
    """The schema with every description's wrapped lines joined."""
    match schema:
        case dict():
            return {
                name: _joined(value) if name == "description" and isinstance(value, str) else _described(value)
                for name, value in schema.items()
            }
        case list():
            return [_described(value) for value in schema]
        case _:
            return schema


def _joined(text: str) -> str:
    return _WRAPPED_LINE.sub(" ", text)
