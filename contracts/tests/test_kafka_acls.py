"""What is printed for Kafka's own tool gives what the contracts name, and no more."""

import argparse
import shlex

import pytest

from contracts import acls, flow, kafka_acls
from contracts.acls import Acl


def given(printed: str) -> set[tuple[str, Acl]]:
    """The rights that Kafka's tool would give, and to whom."""
    tool = argparse.ArgumentParser()
    for option in ("--bootstrap-server", "--command-config", "--allow-principal", "--topic", "--group"):
        tool.add_argument(option)
    tool.add_argument("--add", action="store_true")
    tool.add_argument("--operation", action="append")
    tool.add_argument("--resource-pattern-type", default="literal", choices=["literal", "prefixed"])
    found = set()
    for line in printed.splitlines():
        name, *arguments = shlex.split(line)
        asked = tool.parse_args(arguments)
        assert name == "kafka-acls.sh"
        assert asked.add
        right = Acl(
            "topic" if asked.topic else "group",
            asked.topic or asked.group,
            tuple(asked.operation),
            asked.resource_pattern_type,
        )
        found.add((asked.allow_principal, right))
    return found


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> set[tuple[str, Acl]]:
    assert kafka_acls.main(arguments) == 0
    return given(capsys.readouterr().out)


def test_every_service_is_given_what_the_contracts_name(capsys: pytest.CaptureFixture[str]) -> None:
    wanted = {(f"User:{service}", acl) for service in flow.SERVICES for acl in acls.of_service(service)}
    assert printed(capsys) == wanted


def test_names_and_principals_are_the_deployments_own(capsys: pytest.CaptureFixture[str]) -> None:
    found = printed(capsys, "--prefix", "ccq.", "--principal", "User:CN={},O=Agency of all")
    assert {acl.name.split(".")[0] for _, acl in found} == {"ccq"}
    assert {principal for principal, _ in found} == {f"User:CN={service},O=Agency of all" for service in flow.SERVICES}


def test_who_makes_topics_may_make_those_that_it_publishes_on_and_no_others(capsys: pytest.CaptureFixture[str]) -> None:
    made = {(principal, acl.name) for principal, acl in printed(capsys, "--make-topics") if "Create" in acl.operations}
    assert made == {(f"User:{s}", topic.name) for s in flow.SERVICES for topic in flow.topics_of(s)}


def test_a_subscriber_is_given_the_public_topics_that_it_asks_for(capsys: pytest.CaptureFixture[str]) -> None:
    found = printed(capsys, "--subscriber", "portal", "--topic", "accounts.events")
    assert found == {
        ("User:portal", Acl("topic", "accounts.events", acls.READING)),
        ("User:portal", Acl("group", "subscriber.portal.", acls.READING, "prefixed")),
    }


def test_who_verifies_the_audits_is_given_their_heads_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    heads = {f"{service}.audit" for service in flow.SERVICES}
    assert printed(capsys, "--auditor", "reader") == {
        ("User:reader", Acl("topic", name, ("Describe", "Read"))) for name in heads
    }


@pytest.mark.parametrize(
    "wrong",
    [
        ["--topic", "accounts.events"],
        ["--subscriber", "portal", "--topic", "accounts.people"],
        ["--subscriber", "portal", "--auditor", "reader"],
    ],
)
def test_a_topic_that_is_not_public_or_nobodys_is_refused(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        kafka_acls.main(wrong)
    assert capsys.readouterr().out == ""
