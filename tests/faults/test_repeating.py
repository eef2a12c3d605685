"""Which states come late, and that they come as other events."""

import json

from aiokafka import ConsumerRecord

from tests.faults.repeating import replaced


def _state(key: str, version: int, topic: str = "authorizations.contacts") -> ConsumerRecord:
    value = json.dumps({"version": version}).encode()
    headers = (("ce_id", f"{key}-{version}".encode()), ("ce_type", b"state"))
    return ConsumerRecord(topic, 3, version, 0, 0, key.encode(), value, None, 1, len(value), headers)


def test_of_each_state_that_was_replaced_the_oldest_comes_late_under_a_new_id() -> None:
    records = [_state("a", 1), _state("b", 1), _state("a", 2), _state("a", 3)]
    [late] = replaced(records)
    assert (late.topic, late.partition, late.key, late.value) == ("authorizations.contacts", 3, b"a", records[0].value)
    assert dict(late.headers)["ce_type"] == b"state"
    assert dict(late.headers)["ce_id"] not in {dict(record.headers)["ce_id"] for record in records}


def test_what_is_no_state_comes_as_it_was_and_not_late() -> None:
    assert replaced([_state("a", 1, "authorizations.events"), _state("a", 2, "authorizations.events")]) == []


def test_a_state_that_came_twice_was_not_replaced() -> None:
    assert replaced([_state("a", 1), _state("a", 1)]) == []
