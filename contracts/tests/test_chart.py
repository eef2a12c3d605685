"""What the chart is told is what the contracts and the gateways say, and a broker is to allow no more."""

import json

import pytest
import yaml

from contracts import acls, chart, flow, generate
from contracts.acls import Acl
from contracts.topics import ACCOUNTS_PEOPLE, TOPICS, Kind, Topic

GATEWAYS = {
    service: (generate.FOLDER / "openapi" / f"{service}.json").read_text(encoding="utf-8") for service in flow.SERVICES
}
EACH_TOPIC = pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)


def allowed(operation: str, topic: Topic) -> set[str]:
    """The services that may do this with a topic."""
    return {
        service
        for service in flow.SERVICES
        for acl in acls.of_service(service)
        if (acl.resource, acl.name) == ("topic", topic.name) and operation in acl.operations
    }


def test_the_committed_file_is_what_contracts_and_gateways_say() -> None:
    assert (generate.ROOT / generate.CHART).read_text(encoding="utf-8") == chart.written(GATEWAYS), generate.COMMAND


def test_every_path_of_a_gateway_begins_with_one_of_its_prefixes_and_with_nobody_elses() -> None:
    told = yaml.safe_load(chart.written(GATEWAYS))["services"]
    owners = {prefix: service for service, found in told.items() for prefix in found["http"]}
    for service, gateway in GATEWAYS.items():
        for path in json.loads(gateway)["paths"]:
            assert [owner for prefix, owner in owners.items() if f"{path}/".startswith(f"{prefix}/")] == [service], path


@pytest.mark.parametrize(
    ("path", "fault"), [("/v1/help/{topic}", "both serve /v1/help"), ("/{x}/y", "cannot be routed on")]
)
def test_a_prefix_that_one_host_cannot_route_on_is_refused(path: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        chart.document(GATEWAYS | {"linking": json.dumps({"paths": {path: {}}})})


@EACH_TOPIC
def test_those_and_only_those_may_write_on_a_topic_who_publish_on_it(topic: Topic) -> None:
    assert allowed("Write", topic) == {service for service in flow.SERVICES if topic in flow.topics_of(service)}


@EACH_TOPIC
def test_those_may_read_a_topic_who_subscribe_and_of_an_audit_its_own_service(topic: Topic) -> None:
    subscribed = {service for service in flow.SERVICES if topic in flow.topics_read_by(service)}
    assert allowed("Read", topic) == subscribed | ({topic.service} if topic.name.endswith(".audit") else set())


def test_only_who_needs_them_may_read_peoples_names_and_nobody_may_alter_or_delete() -> None:
    assert allowed("Read", ACCOUNTS_PEOPLE) == {"authorizations", "linking"}
    given = {operation for service in flow.SERVICES for acl in acls.of_service(service) for operation in acl.operations}
    assert given == {"Describe", "Read", "Write"}


def test_a_service_has_groups_of_its_own_and_no_subscriber_can_take_part_in_one() -> None:
    groups = [acl for service in flow.SERVICES for acl in acls.of_service(service) if acl.resource == "group"]
    assert len({group.name for group in groups}) == len(groups)
    assert all(group.pattern == "literal" and not group.name.startswith(acls.SUBSCRIBERS) for group in groups)


def test_a_subscriber_reads_public_topics_in_groups_of_its_own_and_nothing_else() -> None:
    *topics, groups = acls.of_subscriber("portal")
    assert groups == Acl("group", "subscriber.portal.", ("Describe", "Read"), "prefixed")
    assert {acl.name for acl in topics} == {t.name for t in TOPICS if t.kind in (Kind.PUBLIC, Kind.PUBLIC_STATE)}
    assert all(acl.operations == ("Describe", "Read") and acl.pattern == "literal" for acl in topics)


@pytest.mark.parametrize("name", ["portal.copy", "portal.", ""])
def test_no_subscribers_groups_begin_as_anothers(name: str) -> None:
    with pytest.raises(ValueError, match="no name of a subscriber"):
        acls.of_subscriber(name)


def test_a_subscriber_is_never_given_a_confidential_topic() -> None:
    with pytest.raises(ValueError, match=r"not public: accounts\.people"):
        acls.of_subscriber("portal", [ACCOUNTS_PEOPLE])
