"""What the table of topics and the events on them promise to whoever subscribes."""

import types
from collections.abc import Iterator
from typing import Any

import pytest

from contracts import flow, generate, jsonschema
from contracts.events import REGISTRY, Event, State
from contracts.notifications import MAIL_REQUESTS, MailRequest
from contracts.topics import (
    ACCOUNTS_EVENTS,
    ACCOUNTS_PEOPLE,
    DAY_MS,
    HOUR_MS,
    NOTIFICATIONS_BULK,
    NOTIFICATIONS_REQUESTS,
    TOPICS,
    Kind,
    Topic,
)

EVENTS = generate.events()
EACH_TOPIC = pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
EACH_EVENT = pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.type_name())
PUBLIC = (Kind.PUBLIC, Kind.PUBLIC_STATE)
EACH_PUBLIC_EVENT = pytest.mark.parametrize(
    "event", [event for event in EVENTS if event.topic.kind in PUBLIC], ids=lambda event: event.type_name()
)

PERSONAL = {
    "address", "birth", "city", "contact_name", "email", "e_mail", "family", "first", "given", "ip", "last", "mail",
    "mobile", "name", "names", "nas", "number", "phone", "phones", "postal", "sin", "street", "telephone", "telephones",
}  # fmt: skip
"""Words of a field's name that speak of a person: public topics hold ids, codes and dates."""

SECRET = {"code", "handle", "password", "sealed", "secret", "token"}
"""Words of a field's name that would let a reader act."""


def fields(schema: dict[str, Any], definitions: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every field of a schema, also of what stands within it, with the schemas of its value."""
    for name, value in schema.get("properties", {}).items():
        place = f"{path}.{name}" if path else name
        for form in (value, *value.get("anyOf", ()), *value.get("prefixItems", ()), value.get("items", {})):
            resolved = definitions[form["$ref"].rsplit("/", 1)[1]] if "$ref" in form else form
            yield place, resolved
            yield from fields(resolved, definitions, place)


def fields_of(event: type[Event]) -> list[tuple[str, dict[str, Any]]]:
    schema = jsonschema.of_event(event)
    return list(fields(schema, schema.get("$defs", {})))


def unwanted(event: type[Event]) -> set[str]:
    """The fields of the event whose names speak of a person or a secret."""
    return {
        place for place, _ in fields_of(event) if {*place.rsplit(".", 1)[-1].lower().split("_")} & (PERSONAL | SECRET)
    }


def free_text(event: type[Event]) -> set[str]:
    """The fields of the event that could hold any text."""
    bounded = {"const", "enum", "format", "pattern"}
    return {place for place, form in fields_of(event) if form.get("type") == "string" and not bounded & form.keys()}


def test_the_topics_are_those_that_were_promised() -> None:
    assert {topic.name: (topic.key, topic.kind) for topic in TOPICS} == {
        "accounts.events": ("account_id", Kind.PUBLIC),
        "accounts.people": ("account_id", Kind.STATE),
        "linking.events": ("contact_id", Kind.PUBLIC),
        "linking.claims": ("organization_id", Kind.PUBLIC),
        "authorizations.events": ("organization_id", Kind.PUBLIC),
        "authorizations.organizations": ("organization_id", Kind.STATE),
        "authorizations.contacts": ("contact_id", Kind.STATE),
        "notifications.requests": ("recipient_id", Kind.CONFIDENTIAL),
        "notifications.bulk": ("recipient_id", Kind.CONFIDENTIAL),
        "notifications.events": ("delivery_id", Kind.PUBLIC),
        "accounts.audit": ("chain_id", Kind.PUBLIC_STATE),
        "linking.audit": ("chain_id", Kind.PUBLIC_STATE),
        "authorizations.audit": ("chain_id", Kind.PUBLIC_STATE),
        "notifications.audit": ("chain_id", Kind.PUBLIC_STATE),
    }


@EACH_TOPIC
def test_partitions_never_change_because_keys_would_move(topic: Topic) -> None:
    assert topic.partitions == 12


@EACH_TOPIC
def test_states_are_compacted_and_everything_else_is_kept_for_a_week(topic: Topic) -> None:
    if topic.compacted:
        lag = 30 * DAY_MS if topic.kind is Kind.PUBLIC_STATE else 2 * HOUR_MS
        assert topic.configuration == {
            "cleanup.policy": "compact",
            "delete.retention.ms": str(7 * DAY_MS),
            "min.compaction.lag.ms": str(lag),
        }
    else:
        assert topic.configuration == {"cleanup.policy": "delete", "retention.ms": str(7 * DAY_MS)}


@EACH_EVENT
def test_the_key_of_an_event_is_the_key_of_its_topic(event: type[Event]) -> None:
    assert event.topic in TOPICS
    assert event.key_field == event.topic.key
    assert event.model_fields[event.key_field].is_required()
    assert jsonschema.of_event(event)["properties"][event.key_field] == {"type": "string", "format": "uuid"}


@EACH_EVENT
def test_an_event_says_what_it_means(event: type[Event]) -> None:
    assert vars(event)["__doc__"]


@EACH_EVENT
def test_a_state_carries_its_version(event: type[Event]) -> None:
    if event.topic.compacted:
        assert event.model_fields["version"].is_required()


@pytest.mark.parametrize(("base", "topic"), [(Event, ACCOUNTS_PEOPLE), (State, ACCOUNTS_EVENTS)])
def test_a_fact_on_a_topic_of_states_and_a_state_on_another_are_no_classes(base: type[Event], topic: Topic) -> None:
    known = dict(REGISTRY)
    with pytest.raises(TypeError, match="Misplaced: states, and nothing else"):
        types.new_class("Misplaced", (base,), exec_body=lambda body: body.update(topic=topic, key_field="account_id"))
    assert known == REGISTRY


def test_mails_and_nothing_else_are_asked_for_on_the_topics_of_requests() -> None:
    asked = {event for event in EVENTS if event.topic in (NOTIFICATIONS_REQUESTS, NOTIFICATIONS_BULK)}
    assert asked == {event for event in EVENTS if issubclass(event, MailRequest)} == set(MAIL_REQUESTS)


@EACH_PUBLIC_EVENT
def test_a_public_event_names_no_person_and_no_secret(event: type[Event]) -> None:
    assert not unwanted(event)


@EACH_PUBLIC_EVENT
def test_a_public_event_has_no_room_for_free_text(event: type[Event]) -> None:
    assert not free_text(event)


def test_the_search_for_persons_and_free_text_finds_them_where_they_are() -> None:
    found = {event.__name__: event for event in EVENTS}
    assert unwanted(found["Person"]) == {"email", "given_name", "family_name"}
    assert {"client_number", "telephones.number"} <= unwanted(found["Contact"])
    assert {"email", "family_name", "telephones.number"} <= free_text(found["Contact"])
    assert {"handle", "sealed"} <= unwanted(found["ProfileLinkedMail"])


@EACH_EVENT
def test_somebody_reads_every_mail_request_and_every_state_somewhere(event: type[Event]) -> None:
    assert flow.publishers(event)
    assert set(flow.publishers(event)) | set(flow.readers(event)) <= set(flow.SERVICES)
    assert flow.readers(event) or event.topic.kind in PUBLIC
    assert list(flow.readers(event)) == sorted(flow.readers(event))
