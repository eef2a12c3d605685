"""compose.yaml, as far as it can be seen without running it."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from chassis import settings as environment
from chassis.entry import COMMANDS
from local import ROOT, images
from local.composed import GATEWAY_PORT, ISSUER_PORT, Composed
from local.issuer import AUDIENCE
from local.kafka import SETTINGS as KAFKA_SETTINGS
from local.ports import SERVICES, Ports
from tests.deploy import dockerfiles
from tests.deploy.declared import SETTINGS
from tests.fixtures.containers import KAFKA_IMAGE, POSTGRES_IMAGE

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
CONTAINERS: Mapping[str, dict[str, Any]] = COMPOSE["services"]
OURS = ("mandat-", "${REGISTRY:-}mandat-")


def _with_defaults(text: str) -> str:
    """What docker compose makes of ${NAME:-default} where nobody sets NAME."""
    return re.sub(r"\$\{[A-Z]+:-(.*?)\}", r"\1", text)


def _told(container: str) -> dict[str, str]:
    """The environment of a container: its image's, then what compose.yaml adds."""
    stage = dockerfiles.read(dockerfiles.PLATFORM).final
    return stage.environment() | {
        key: _with_defaults(value) for key, value in CONTAINERS[container]["environment"].items()
    }


@pytest.mark.parametrize("service", SERVICES)
def test_each_service_starts_with_the_settings_it_is_given(
    service: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / service).touch()
    told = _told(service) | {"MANDAT_AGENCY": "/agency/ccq"}
    known = {f"MANDAT_{name}".upper() for name in SETTINGS[service].model_fields}
    for name, value in told.items():
        monkeypatch.setenv(name, value.replace("/passwords", str(tmp_path)))

    found = environment.read(SETTINGS[service])

    assert {name for name in told if name.startswith("MANDAT_")} <= known | {"MANDAT_VERSION"}
    assert found.gateway_port == GATEWAY_PORT
    assert [issuer.audience for issuer in found.demo_agent_issuers] == [AUDIENCE]
    assert [issuer.issuer for issuer in found.demo_agent_issuers] == [Composed().demo_issuer]


@pytest.mark.parametrize("service", SERVICES)
def test_each_service_is_found_where_the_embedded_stack_has_it(service: str) -> None:
    ports = CONTAINERS[service]["ports"]
    inside = _told(service)

    assert ports == [
        f"127.0.0.1:{Ports().gateway(service)}:{inside['MANDAT_GATEWAY_PORT']}",
        f"127.0.0.1:{Ports().operations(service)}:{inside['MANDAT_OPERATIONS_PORT']}",
    ]
    assert f":{inside['MANDAT_OPERATIONS_PORT']}/readyz" in CONTAINERS[service]["healthcheck"]["test"][-1]


def test_nothing_is_published_but_to_this_machine_and_no_port_twice() -> None:
    published = [port for container in CONTAINERS.values() for port in container.get("ports", ())]

    assert [port for port in published if not port.startswith("127.0.0.1:")] == []
    assert len({port.split(":")[1] for port in published}) == len(published)


@pytest.mark.parametrize("container", CONTAINERS)
def test_no_container_may_more_than_it_needs(container: str) -> None:
    told = CONTAINERS[container]

    assert told["cap_drop"] == ["ALL"]
    assert told["security_opt"] == ["no-new-privileges:true"]
    assert told.get("read_only") is (None if container == "kafka" else True)  # its image writes its own configuration


def test_images_are_the_ordinary_ones_and_those_that_the_command_builds() -> None:
    used = {_with_defaults(container["image"]) for container in CONTAINERS.values()}
    ours = {name for name in used if name.startswith("mandat-")}
    readme = (ROOT / "README.md").read_text(encoding="utf-8")

    assert used - ours == {KAFKA_IMAGE, POSTGRES_IMAGE, "axllent/mailpit:v1.33.1"}
    assert all(f"`{name}`" in readme for name in (KAFKA_IMAGE, POSTGRES_IMAGE))
    assert ours == {images.Build("ccq").service(name) for name in (*SERVICES, "local")}
    assert _with_defaults(CONTAINERS["secrets"]["build"]["args"]["PLATFORM"]) == images.Build("ccq").platform


@pytest.mark.parametrize("service", SERVICES)
def test_schema_and_topics_are_there_before_a_service_starts(service: str) -> None:
    before = CONTAINERS[f"{service}-once"]
    [command] = before["command"]
    steps = command.split(" && ")
    known = {words for line in COMMANDS for words in line.replace(" …", "").split(" | ")}

    assert CONTAINERS[service]["depends_on"] == {f"{service}-once": {"condition": "service_completed_successfully"}}
    assert before["image"] == CONTAINERS[service]["image"]
    assert before["environment"] == CONTAINERS[service]["environment"]
    assert steps == [f"python -m services.{service} {step}" for step in ("migrate", "topics")]
    assert {step.rpartition(" ")[2] for step in steps} <= known


def test_kafka_has_one_copy_of_everything_and_makes_no_topic_of_a_misspelled_name() -> None:
    told = {
        name.removeprefix("KAFKA_").lower().replace("_", "."): value
        for name, value in CONTAINERS["kafka"]["environment"].items()
    }
    one_copy = {name: value for name, value in KAFKA_SETTINGS.items() if value == "1" and "share" not in name}

    assert told["auto.create.topics.enable"] == "false"
    assert one_copy.items() <= told.items()
    assert "INSIDE://kafka:9092" in told["advertised.listeners"]
    assert f"OUTSIDE://127.0.0.1:{Ports().kafka}" in told["advertised.listeners"]


def test_the_demo_issuer_listens_where_services_look_for_it() -> None:
    command = CONTAINERS["demo-issuer"]["command"]

    assert f"--page-port={ISSUER_PORT}" in command
    assert Composed().demo_issuer.startswith(f"http://{command[1].removeprefix('--name=')}:")
