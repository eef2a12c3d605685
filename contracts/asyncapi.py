"""The AsyncAPI 3.0 document of the platform: topics, messages, and which service sends and receives what."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import yaml

from contracts import flow, jsonschema
from contracts.cloudevents import CONTENT_TYPE
from contracts.events import Event
from contracts.notifications import MailRequest
from contracts.topics import TOPICS, Kind, Topic

BINDING_VERSION = "0.5.0"  # of AsyncAPI's Kafka bindings
NOTICE = "# Written by `python -m contracts.generate` from contracts/*.py; do not edit.\n"

_KINDS: Mapping[Kind, str] = {
    Kind.PUBLIC: "Public: ids, codes and dates, no personal data. Other systems of the agency may subscribe.",
    Kind.CONFIDENTIAL: "Confidential: personal data or sealed secrets. Only the platform's own services read it.",
    Kind.STATE: (
        "Confidential state: the whole latest state of each key, compacted, with a version; a reader ignores older"
        " versions. A record without a value says that its key is forgotten. Only the platform's own services read it."
    ),
    Kind.PUBLIC_STATE: (
        "Public state: the whole latest state of each key, compacted, with a version; a reader ignores older versions."
        " Ids, codes and dates, no personal data. Other systems of the agency may subscribe."
    ),
}

_CLOUDEVENT: Mapping[str, Any] = {
    "type": "object",
    "description": "CloudEvents 1.0 in Kafka's binary content mode: the attributes are headers, the value is the data.",
    "required": [
        "ce_specversion",
        "ce_id",
        "ce_source",
        "ce_type",
        "ce_time",
        "ce_dataschema",
        "ce_partitionkey",
        "content-type",
    ],
    "properties": {
        "ce_specversion": {"type": "string", "const": "1.0"},
        "ce_id": {"type": "string", "format": "uuid", "description": "A reader handles each id once."},
        "ce_source": {
            "type": "string",
            "pattern": r"^urn:mandat:[a-z][a-z0-9_]*:[a-z]+$",
            "description": "Agency and service.",
        },
        "ce_type": {"type": "string"},
        "ce_time": {"type": "string", "format": "date-time", "description": "When the transaction decided it, in UTC."},
        "ce_dataschema": {"type": "string", "description": "The $id of the payload's JSON Schema."},
        "ce_partitionkey": {"type": "string", "format": "uuid", "description": "The same as the record's key."},
        "ce_traceparent": {"type": "string", "description": "W3C Trace Context."},
        "content-type": {"type": "string", "const": CONTENT_TYPE},
    },
}


def written(events: Sequence[type[Event]]) -> str:
    """The document as YAML."""
    text: str = yaml.dump(
        document(events),
        Dumper=_WithoutAliases,
        sort_keys=False,
        allow_unicode=True,
        width=120,
        default_flow_style=False,
    )
    return NOTICE + text


def document(events: Sequence[type[Event]]) -> dict[str, Any]:
    """The document; topics stand in the order of the topic table, everything else by name."""
    by_topic = {topic: [event for event in events if topic in event.topics()] for topic in TOPICS}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Mandat",
            "version": "1",
            "description": (
                "The events of the platform. Delivery is at least once, in order per key and topic; nothing is promised"
                " between topics. An optional field keeps a message's version; anything else is a new message beside"
                " the old one, so readers ignore fields they do not know."
            ),
        },
        "defaultContentType": CONTENT_TYPE,
        "servers": {
            "kafka": {
                "host": "{bootstrap}",
                "protocol": "kafka",
                "description": "The agency's Apache Kafka.",
                "variables": {
                    "bootstrap": {"default": "localhost:9092", "description": "Host and port of a bootstrap server."}
                },
            }
        },
        "channels": {topic.name: _channel(topic, found) for topic, found in by_topic.items()},
        "operations": {
            **_operations("send", by_topic, flow.publishers),
            **_operations("receive", by_topic, flow.readers),
        },
        "components": {
            "schemas": {"CloudEvent": dict(_CLOUDEVENT)},
            "messages": {_message_name(event): _message(event) for event in events},
        },
    }


def _channel(topic: Topic, events: Iterable[type[Event]]) -> dict[str, Any]:
    configuration: dict[str, Any] = {
        name: [value] if name == "cleanup.policy" else int(value) for name, value in topic.configuration.items()
    }
    return {
        "address": topic.name,
        "description": f"{_KINDS[topic.kind]} The key is {topic.key}.",
        "servers": [{"$ref": "#/servers/kafka"}],
        "messages": {event.__name__: {"$ref": f"#/components/messages/{_message_name(event)}"} for event in events},
        "bindings": {
            "kafka": {
                "topic": topic.name,
                "partitions": topic.partitions,
                "topicConfiguration": configuration,
                "bindingVersion": BINDING_VERSION,
            }
        },
        "x-mandat-kind": topic.kind.value,
        "x-mandat-key": topic.key,
    }


def _operations(
    action: str,
    by_topic: Mapping[Topic, Sequence[type[Event]]],
    services_of: Callable[[type[Event]], tuple[str, ...]],
) -> dict[str, Any]:
    """One operation for each service and topic between which anything flows."""
    found = {}
    for service in flow.SERVICES:
        for topic, events in by_topic.items():
            names = [event.__name__ for event in events if service in services_of(event)]
            if names:
                found[f"{service}.{action}.{topic.name}"] = {
                    "action": action,
                    "channel": {"$ref": f"#/channels/{topic.name}"},
                    "summary": f"{service} {'publishes on' if action == 'send' else 'reads'} {topic.name}.",
                    "tags": [{"name": service}],
                    "messages": [{"$ref": f"#/channels/{topic.name}/messages/{name}"} for name in names],
                    "x-mandat-service": service,
                }
    return found


def _message(event: type[Event]) -> dict[str, Any]:
    summary, _, rest = jsonschema.documentation(event).partition("\n\n")
    message: dict[str, Any] = {"name": event.type_name(), "title": event.__name__, "summary": summary}
    if rest:
        message["description"] = rest
    message |= {
        "contentType": CONTENT_TYPE,
        "headers": {
            "type": "object",
            "allOf": [
                {"$ref": "#/components/schemas/CloudEvent"},
                {
                    "properties": {
                        "ce_type": {"const": event.type_name()},
                        "ce_dataschema": {"const": event.schema_name()},
                    }
                },
            ],
        },
        "payload": {"$ref": f"./schemas/{jsonschema.file_name(event)}"},
        "bindings": {
            "kafka": {
                "key": {"type": "string", "format": "uuid", "description": f"The payload's {event.key_field}."},
                "bindingVersion": BINDING_VERSION,
            }
        },
    }
    if issubclass(event, MailRequest):
        message["x-mandat-sealed"] = f"schemas/{jsonschema.sealed_file_name(event)}"
    return message


def _message_name(event: type[Event]) -> str:
    return f"{event.topic.service}.{event.__name__}.v{event.version_number}"


class _WithoutAliases(yaml.SafeDumper):
    """Writes a value that stands in two places twice, because people read this."""

    def ignore_aliases(self, data: Any) -> bool:
        return True
