"""CloudEvents 1.0 in Kafka's binary content mode: the attributes are headers, the value is the data as JSON.

Source: CloudEvents specification 1.0.2, Kafka Protocol Binding 3.2. Reading is strict, because a header that a lenient
reader invents would make two events of one.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from pydantic import ValidationError

from contracts.events import REGISTRY, Event, State

CONTENT_TYPE = "application/json"
REQUIRED = ("ce_specversion", "ce_id", "ce_source", "ce_type")


class Malformed(ValueError):
    """A record that is not one of our CloudEvents; the message says what is wrong with it, without its content."""


@dataclass(frozen=True)
class Forgotten:
    """A tombstone: the thing of which `event` was the state is no more, and readers erase what they hold about it.

    `traceparent` as of an event that was read.
    """

    event: type[State]
    key: UUID
    traceparent: str | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Envelope:
    """The CloudEvents attributes of one event. `source` is a URN that names agency and service."""

    id: UUID
    source: str
    type: str
    time: datetime
    dataschema: str
    partitionkey: str
    traceparent: str | None = None

    @classmethod
    def around(
        cls, event: Event | Forgotten, *, id: UUID, source: str, time: datetime, traceparent: str | None = None
    ) -> "Envelope":
        """The envelope of an event, or of a tombstone, that is being published."""
        kind = event.event if isinstance(event, Forgotten) else type(event)
        return cls(id, source, kind.type_name(), time, kind.schema_name(), str(event.key), traceparent)

    def attributes(self) -> dict[str, str]:
        """The headers' names and values as text, in a fixed order."""
        attributes = {
            "ce_specversion": "1.0",
            "ce_id": str(self.id),
            "ce_source": self.source,
            "ce_type": self.type,
            "ce_time": self.time.astimezone(UTC).isoformat().replace("+00:00", "Z"),
            "ce_dataschema": self.dataschema,
            "ce_partitionkey": self.partitionkey,
            "content-type": CONTENT_TYPE,
        }
        if self.traceparent is not None:
            attributes["ce_traceparent"] = self.traceparent
        return attributes

    def headers(self) -> list[tuple[str, bytes]]:
        """As Kafka carries them."""
        return [(name, value.encode()) for name, value in self.attributes().items()]


def read_envelope(headers: Iterable[tuple[str, bytes | None]]) -> Envelope:
    """The envelope of a record's headers. Raises Malformed."""
    attributes: dict[str, str] = {}
    for name, value in headers:
        if not name.startswith("ce_") and name != "content-type":
            continue
        if name in attributes:
            raise Malformed(f"header {name} stands twice")
        try:
            attributes[name] = (value or b"").decode("utf-8", errors="strict")
        except UnicodeDecodeError:
            raise Malformed(f"header {name} is not UTF-8") from None
    for name in REQUIRED:
        if not attributes.get(name):
            raise Malformed(f"header {name} is missing")
    if attributes["ce_specversion"] != "1.0":
        raise Malformed("ce_specversion is not 1.0")
    try:
        identity = UUID(attributes["ce_id"])
        time = datetime.fromisoformat(attributes.get("ce_time", ""))
    except ValueError:
        raise Malformed("ce_id is not a UUID or ce_time is not a timestamp") from None
    if str(identity) != attributes["ce_id"]:
        raise Malformed("ce_id is not a UUID in its canonical form")
    if time.tzinfo is None:
        raise Malformed("ce_time has no time zone")
    return Envelope(
        id=identity,
        source=attributes["ce_source"],
        type=attributes["ce_type"],
        time=time,
        dataschema=attributes.get("ce_dataschema", ""),
        partitionkey=attributes.get("ce_partitionkey", ""),
        traceparent=attributes.get("ce_traceparent"),
    )


def read_event(envelope: Envelope, key: bytes | None, value: bytes | None) -> Event | Forgotten:
    """The event inside a record whose type is in the registry; Forgotten for a state's record without a value.

    Raises Malformed, naming fields, never their content.
    """
    kind = REGISTRY[envelope.type]
    if value is None and issubclass(kind, State):
        return Forgotten(kind, _key_of_tombstone(key), envelope.traceparent)
    try:
        event = kind.model_validate_json(value or b"")
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, fault['loc'])) or 'body'}: {fault['type']}" for fault in error.errors())
        raise Malformed(faults) from None
    if key != event.key.encode():
        raise Malformed("the record's key is not the event's key")
    event._traceparent = envelope.traceparent
    return event


def _key_of_tombstone(key: bytes | None) -> UUID:
    try:
        found = UUID((key or b"").decode())
    except ValueError:
        found = None
    if found is None or str(found).encode() != key:
        raise Malformed("a tombstone's key is not a UUID in its canonical form")
    return found
