"""Reading records is strict: whatever is not exactly one of our CloudEvents is Malformed, and nothing else is."""

import json
from datetime import datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.accounts import AccountOpened, Person
from contracts.cloudevents import REQUIRED, Envelope, Forgotten, Malformed, read_envelope, read_event
from contracts.events import REGISTRY, Event, State
from contracts.tests.examples import ACCOUNT, EVENTS, NOW, envelope

EVENT = next(event for event in EVENTS if isinstance(event, AccountOpened))
PERSON = next(event for event in EVENTS if isinstance(event, Person))
HEADERS = dict(envelope(EVENT).headers())

Headers = dict[str, bytes]

zones = st.timedeltas(timedelta(hours=-23, minutes=-59), timedelta(hours=23, minutes=59)).map(timezone)
moments = st.datetimes(datetime(1970, 1, 1), datetime(9998, 1, 1), timezones=zones)  # noqa: DTZ001
texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


def changed(**headers: bytes | None) -> list[tuple[str, bytes | None]]:
    return list({**HEADERS, **headers}.items())


@given(st.sampled_from(EVENTS), st.uuids(), texts, moments, st.none() | texts)
def test_an_envelope_that_is_written_reads_as_it_was(
    event: Event, identity: UUID, source: str, time: datetime, trace: str | None
) -> None:
    plain = Envelope.around(event, id=identity, source=source, time=time)
    written = Envelope(identity, source, plain.type, time, plain.dataschema, plain.partitionkey, trace)
    found = read_envelope(written.headers())
    assert found == written
    assert read_event(found, event.key.encode(), event.model_dump_json().encode()) == event


def test_time_is_written_in_utc() -> None:
    local = NOW.astimezone(timezone(timedelta(hours=-5)))
    headers = dict(Envelope.around(EVENT, id=ACCOUNT, source="urn:mandat:example:accounts", time=local).headers())
    assert headers["ce_time"] == b"2026-11-22T15:04:05.678901Z"


def test_headers_of_others_are_none_of_ours() -> None:
    found = read_envelope([("tracestate", b"\xff"), ("tracestate", None), *HEADERS.items()])
    assert found == envelope(EVENT)


@pytest.mark.parametrize("name", REQUIRED)
@pytest.mark.parametrize("value", [None, b""])
def test_a_required_header_that_is_missing_or_empty_is_refused(name: str, value: bytes | None) -> None:
    with pytest.raises(Malformed, match=f"header {name} is missing"):
        read_envelope(changed(**{name: value}))
    with pytest.raises(Malformed, match=f"header {name} is missing"):
        read_envelope([(other, value) for other, value in HEADERS.items() if other != name])


@given(st.sampled_from(sorted(HEADERS)), st.data())
def test_a_header_that_stands_twice_is_refused_even_with_one_value(name: str, data: st.DataObject) -> None:
    headers = data.draw(st.permutations([*HEADERS.items(), (name, HEADERS[name])]))
    with pytest.raises(Malformed, match=f"header {name} stands twice"):
        read_envelope(headers)


@given(st.sampled_from(sorted(HEADERS)), st.binary())
def test_a_header_that_is_not_utf8_is_refused(name: str, before: bytes) -> None:
    with pytest.raises(Malformed, match=f"header {name} is not UTF-8"):
        read_envelope(changed(**{name: before + b"\xff"}))


@given(texts.filter(lambda text: text != "1.0"))
def test_another_specversion_is_refused(version: str) -> None:
    with pytest.raises(Malformed, match="specversion"):
        read_envelope(changed(ce_specversion=version.encode()))


@pytest.mark.parametrize("spelling", ["{}".format, "urn:uuid:{}".format, "{{{}}}".format, str.upper, " {}".format])
def test_an_id_has_one_spelling(spelling: Any) -> None:
    """Two spellings of one id would be two events to other readers and one to us."""
    written = spelling("019aab39-4c08-7000-8000-00000000000a")
    if written == "019aab39-4c08-7000-8000-00000000000a":
        assert str(read_envelope(changed(ce_id=written.encode())).id) == written
    else:
        with pytest.raises(Malformed, match="ce_id"):
            read_envelope(changed(ce_id=written.encode()))


@given(texts)
def test_an_id_that_is_no_uuid_is_refused(text: str) -> None:
    with pytest.raises(Malformed, match="ce_id"):
        read_envelope(changed(ce_id=text.encode()))


@given(st.datetimes())
def test_a_time_without_a_zone_is_refused(time: datetime) -> None:
    with pytest.raises(Malformed, match="no time zone"):
        read_envelope(changed(ce_time=time.isoformat().encode()))


@pytest.mark.parametrize("time", [None, b"", b"yesterday", b"2026-11-31T00:00:00Z", b"1795360000"])
def test_a_time_that_is_none_is_refused(time: bytes | None) -> None:
    with pytest.raises(Malformed, match="ce_time"):
        read_envelope(changed(ce_time=time))


@given(st.none() | st.binary())
def test_a_key_that_is_not_the_events_is_refused(key: bytes | None) -> None:
    with pytest.raises(Malformed, match="key"):
        read_event(envelope(EVENT), key, EVENT.model_dump_json().encode())


@given(st.lists(st.tuples(st.sampled_from([*HEADERS, "other"]) | st.text(), st.none() | st.binary())))
def test_headers_are_read_or_malformed_whatever_they_are(headers: list[tuple[str, bytes | None]]) -> None:
    with pytest.raises(Malformed):
        read_envelope(headers)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@given(st.sampled_from(sorted(REGISTRY)), st.none() | st.binary() | json_values.map(lambda v: json.dumps(v).encode()))
def test_a_value_is_read_or_malformed_whatever_it_is(type_name: str, value: bytes | None) -> None:
    with pytest.raises(Malformed):
        read_event(Envelope(ACCOUNT, "urn:x", type_name, NOW, "", ""), b"key", value)


@pytest.mark.parametrize("field", sorted(Person.model_fields))
def test_what_is_wrong_is_told_by_the_fields_name_and_never_by_its_content(field: str) -> None:
    content = {**json.loads(PERSON.model_dump_json()), field: ["somebody@example.org"]}
    with pytest.raises(Malformed, match=f"^{field}: [a-z_]+$") as caught:
        read_event(envelope(PERSON), PERSON.key.encode(), json.dumps(content).encode())
    assert caught.value.__cause__ is None


STATES = sorted(name for name, kind in REGISTRY.items() if issubclass(kind, State))
FACTS = sorted(REGISTRY.keys() - set(STATES))


@given(st.sampled_from(STATES), st.uuids(), st.uuids())
def test_a_state_without_a_value_is_a_tombstone_and_reads_as_it_was_written(
    type_name: str, key: UUID, identity: UUID
) -> None:
    kind = REGISTRY[type_name]
    assert issubclass(kind, State)
    forgotten = Forgotten(kind, key)
    written = Envelope.around(forgotten, id=identity, source="urn:mandat:example:accounts", time=NOW)

    found = read_envelope(written.headers())

    assert found == written
    assert (found.type, found.dataschema, found.partitionkey) == (type_name, kind.schema_name(), str(key))
    assert read_event(found, str(key).encode(), None) == forgotten


@pytest.mark.parametrize("type_name", FACTS)
def test_a_fact_without_a_value_is_malformed(type_name: str) -> None:
    with pytest.raises(Malformed):
        read_event(Envelope(ACCOUNT, "urn:x", type_name, NOW, "", ""), str(ACCOUNT).encode(), None)


@given(st.none() | st.binary() | st.uuids().map(lambda key: str(key).upper().replace("-", "").encode()))
def test_a_tombstone_whose_key_is_no_uuid_in_its_one_spelling_is_malformed(key: bytes | None) -> None:
    with pytest.raises(Malformed, match="tombstone"):
        read_event(Envelope(ACCOUNT, "urn:x", STATES[0], NOW, "", ""), key, None)


def test_a_state_with_an_empty_value_is_no_tombstone() -> None:
    with pytest.raises(Malformed):
        read_event(envelope(PERSON), PERSON.key.encode(), b"")
