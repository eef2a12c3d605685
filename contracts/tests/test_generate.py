"""What is generated is whole, and a file that its sources no longer say is named."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml

from contracts import chart, flow, generate, jsonschema
from contracts.events import Event
from contracts.notifications import MAIL_REQUESTS
from contracts.topics import TOPICS

DOCUMENTS = generate.event_documents()
SCHEMAS = sorted(path for path in DOCUMENTS if path.startswith("contracts/schemas/"))
EACH_EVENT = pytest.mark.parametrize("event", generate.events(), ids=lambda event: event.type_name())


@pytest.fixture(scope="module")
def asyncapi() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((generate.FOLDER / "asyncapi.yaml").read_text(encoding="utf-8"))
    return document


def told(service: str) -> str:
    """What a gateway with one path tells."""
    return json.dumps({"paths": {f"/v1/{service}": {}}})


def references(content: Any, place: str = "#") -> Iterator[tuple[str, str]]:
    """Every $ref within, and where it stands."""
    if isinstance(content, dict):
        if isinstance(content.get("$ref"), str):
            yield place, content["$ref"]
        for name, value in content.items():
            yield from references(value, f"{place}/{name}")
    elif isinstance(content, list):
        for index, value in enumerate(content):
            yield from references(value, f"{place}/{index}")


def resolved(document: Any, reference: str) -> Any:
    """What a reference names, in the document or in a file beside asyncapi.yaml. KeyError when it is not there."""
    file, _, pointer = reference.partition("#")
    found = json.loads((generate.FOLDER / file).read_text(encoding="utf-8")) if file else document
    for step in filter(None, pointer.split("/")):
        found = found[step.replace("~1", "/").replace("~0", "~")]
    return found


def test_the_same_sources_give_the_same_bytes() -> None:
    assert generate.event_documents() == DOCUMENTS


def test_what_is_committed_is_what_the_contracts_say() -> None:
    stale = generate.differences(generate.ROOT, DOCUMENTS)
    assert {path: what for path, what in stale.items() if not path.startswith("contracts/openapi/")} == {}, (
        generate.COMMAND
    )


@pytest.mark.parametrize("path", SCHEMAS)
def test_a_schema_is_one_of_2020_12_and_every_reference_in_it_resolves(path: str) -> None:
    schema = json.loads(DOCUMENTS[path])
    jsonschema_rs.Draft202012Validator(schema)
    assert jsonschema_rs.meta.is_valid(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    for _, reference in references(schema):
        assert resolved(schema, reference)


@EACH_EVENT
def test_a_schema_bears_the_name_that_the_event_carries(event: type[Event]) -> None:
    schema = jsonschema.of_event(event)
    assert schema["$id"] == event.schema_name()
    assert schema["title"] == event.__name__
    assert schema["description"]


def test_no_two_schemas_share_a_name() -> None:
    names = [json.loads(DOCUMENTS[path])["$id"] for path in SCHEMAS]
    assert len(set(names)) == len(names) == len(generate.events()) + len(MAIL_REQUESTS)


@pytest.mark.parametrize("path", [path for path in SCHEMAS if path.endswith(".sealed.json")])
def test_sealed_content_is_marked_as_such_in_its_own_file_and_where_it_is_sealed(path: str) -> None:
    sealed = json.loads(DOCUMENTS[path])
    request = json.loads(DOCUMENTS[path.replace(".sealed", "")])
    assert sealed["description"].startswith("SEALED: ")
    assert request["properties"]["sealed"]["x-mandat-sealed"] == sealed["$id"]


@EACH_EVENT
def test_an_older_event_without_later_optional_fields_fits_the_schema(event: type[Event]) -> None:
    required = {name for name, field in event.model_fields.items() if field.is_required()}
    assert set(jsonschema.of_event(event)["required"]) == required


def test_every_reference_of_the_asyncapi_document_resolves(asyncapi: dict[str, Any]) -> None:
    for place, reference in references(asyncapi):
        assert resolved(asyncapi, reference) is not None, place


def test_every_topic_is_a_channel_with_its_kafka_settings(asyncapi: dict[str, Any]) -> None:
    assert list(asyncapi["channels"]) == [topic.name for topic in TOPICS]
    for topic in TOPICS:
        channel = asyncapi["channels"][topic.name]
        kafka = channel["bindings"]["kafka"]
        assert channel["address"] == kafka["topic"] == topic.name
        assert channel["x-mandat-kind"] == topic.kind.value
        assert channel["x-mandat-key"] == topic.key
        assert kafka["partitions"] == topic.partitions
        assert kafka["topicConfiguration"]["cleanup.policy"] == ["compact" if topic.compacted else "delete"]


@EACH_EVENT
def test_every_event_is_a_message_of_its_topics_channel(asyncapi: dict[str, Any], event: type[Event]) -> None:
    message = resolved(asyncapi, asyncapi["channels"][event.topic.name]["messages"][event.__name__]["$ref"])
    assert message["name"] == event.type_name()
    assert resolved(asyncapi, message["payload"]["$ref"])["$id"] == event.schema_name()


@EACH_EVENT
def test_who_sends_and_who_receives_an_event_is_told(asyncapi: dict[str, Any], event: type[Event]) -> None:
    told: dict[str, set[str]] = {"send": set(), "receive": set()}
    for operation in asyncapi["operations"].values():
        for message in operation["messages"]:
            assert message["$ref"].startswith(operation["channel"]["$ref"] + "/messages/")
            if message["$ref"] == f"#/channels/{event.topic.name}/messages/{event.__name__}":
                told[operation["action"]].add(operation["x-mandat-service"])
    assert told == {"send": set(flow.publishers(event)), "receive": set(flow.readers(event))}


def test_names_in_the_asyncapi_document_are_in_the_form_it_asks_for(asyncapi: dict[str, Any]) -> None:
    for names in (asyncapi["channels"], asyncapi["operations"], asyncapi["components"]["messages"]):
        assert all(re.fullmatch(r"[a-zA-Z0-9.\-_]+", name) for name in names)


def test_a_stale_file_is_named_whatever_is_wrong_with_it_and_mended(tmp_path: Path) -> None:
    documents = {
        "contracts/asyncapi.yaml": "a\n",
        "contracts/schemas/one.json": "1\n",
        "contracts/schemas/two.json": "2\n",
        "contracts/openapi/x.json": "x\n",
    }
    generate.write(tmp_path, documents, generate.differences(tmp_path, documents))
    assert generate.differences(tmp_path, documents) == {}

    (tmp_path / "contracts/schemas/one.json").write_text("changed\n")
    (tmp_path / "contracts/schemas/two.json").unlink()
    (tmp_path / "contracts/schemas/three.json").write_text("3\n")
    (tmp_path / "contracts/openapi/broken.json").write_text("of a service that cannot tell\n")
    stale = generate.differences(tmp_path, documents, kept=["contracts/openapi/broken.json"])
    assert stale == {
        "contracts/schemas/one.json": "is not what its sources say",
        "contracts/schemas/three.json": "is left over: nothing generates it any more",
        "contracts/schemas/two.json": "is missing",
    }
    generate.write(tmp_path, documents, stale)
    assert generate.differences(tmp_path, documents, kept=["contracts/openapi/broken.json"]) == {}
    assert (tmp_path / "contracts/openapi/broken.json").exists()


@pytest.mark.parametrize("service", flow.SERVICES)
def test_each_gateway_has_its_document(service: str) -> None:
    document = json.loads((generate.FOLDER / "openapi" / f"{service}.json").read_text(encoding="utf-8"))
    assert document["openapi"].startswith("3.1.")
    assert document["paths"]
    for _, reference in references(document):
        assert resolved(document, reference) is not None


@pytest.mark.parametrize("arguments", [[], ["--check"]])
def test_a_gateway_that_tells_nothing_fails_the_run_and_keeps_its_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    gateways = {service: told(service) for service in flow.SERVICES}
    documents = {**DOCUMENTS, **{f"contracts/openapi/{service}.json": text for service, text in gateways.items()}}
    documents[generate.CHART] = chart.written(gateways)
    generate.write(tmp_path, documents, generate.differences(tmp_path, documents))
    monkeypatch.setattr(generate, "ROOT", tmp_path)
    monkeypatch.setattr(generate, "_gateway", told)
    assert generate.main(arguments) == 0

    monkeypatch.setattr(
        generate, "_gateway", lambda service: generate.Failure("no") if service == "linking" else told(service)
    )
    capsys.readouterr()
    assert generate.main(arguments) == 1
    assert capsys.readouterr().err.splitlines() == [
        "services/linking told no OpenAPI document: no",
        "To see why: python -m services.linking openapi",
    ]
    assert (tmp_path / "contracts/openapi/linking.json").read_text() == told("linking")


def test_a_service_that_does_not_start_is_a_failure_with_its_last_line() -> None:
    answer = generate._gateway("that_is_not_there")
    assert isinstance(answer, generate.Failure)
    assert "that_is_not_there" in answer.why


def test_check_names_what_is_stale_and_the_command_that_mends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(generate, "ROOT", tmp_path)
    monkeypatch.setattr(generate, "_gateway", told)
    assert generate.main([]) == 0
    (tmp_path / "contracts/asyncapi.yaml").write_text("changed\n")
    capsys.readouterr()
    assert generate.main(["--check"]) == 1
    assert capsys.readouterr().err.splitlines() == [
        "contracts/asyncapi.yaml is not what its sources say",
        "To mend: python -m contracts.generate",
    ]
    assert (tmp_path / "contracts/asyncapi.yaml").read_text() == "changed\n"


def test_an_unknown_argument_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert generate.main(["--chek"]) == 2
    assert "usage" in capsys.readouterr().err
