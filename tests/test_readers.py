"""contracts/flow.py says who publishes and who reads each event: here the services are asked."""

import ast
import importlib
import importlib.util
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from contracts import flow, generate
from contracts.audit import AuditSealed
from contracts.events import Event

SERVICES = Path(__file__).parents[1] / "services"
EVENTS = {event.__name__: event for event in generate.events() if not issubclass(event, AuditSealed)}
"""By name; without the heads of the audits, which the chassis publishes for every service (chassis/audit/)."""
EACH_EVENT = pytest.mark.parametrize("event", EVENTS.values(), ids=EVENTS)


def subscriptions() -> Iterator[tuple[type[Event], str]]:
    """Each event that a service subscribes to, and the service."""
    for service in flow.SERVICES:
        if importlib.util.find_spec(f"services.{service}.consumers") is not None:
            consumers: Any = importlib.import_module(f"services.{service}.consumers")
            yield from ((subscription.event, service) for subscription in consumers.SUBSCRIPTIONS)


def constructions() -> Iterator[tuple[type[Event], str]]:
    """Each event that a service's own code builds, or whose class it hands to a function that does, and the service."""
    for service in flow.SERVICES:
        for file in sorted((SERVICES / service).rglob("*.py")):
            if "tests" not in file.parts and file.name != "consumers.py":
                yield from ((event, service) for event in built_in(ast.parse(file.read_text(encoding="utf-8"))))


def built_in(source: ast.Module) -> Iterator[type[Event]]:
    """The events that the calls of one file name; other classes may bear the same names, so imports decide."""
    nodes = list(ast.walk(source))
    imported = {
        alias.asname or alias.name: alias.name
        for node in nodes
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "contracts"
        for alias in node.names
    }
    for call in (node for node in nodes if isinstance(node, ast.Call)):
        for named in (call.func, *call.args):
            match named:
                case ast.Name(id=name) if imported.get(name) in EVENTS:
                    yield EVENTS[imported[name]]
                case ast.Attribute(value=ast.Name(id=module), attr=name) if module in imported and name in EVENTS:
                    yield EVENTS[name]


@pytest.fixture(scope="module")
def read_by() -> dict[type[Event], set[str]]:
    found: dict[type[Event], set[str]] = defaultdict(set)
    for event, service in subscriptions():
        found[event].add(service)
    return found


@pytest.fixture(scope="module")
def published_by() -> dict[type[Event], set[str]]:
    found: dict[type[Event], set[str]] = defaultdict(set)
    for event, service in constructions():
        found[event].add(service)
    return found


@EACH_EVENT
def test_the_services_that_subscribe_are_those_that_the_contracts_name(
    event: type[Event], read_by: dict[type[Event], set[str]]
) -> None:
    assert read_by[event] == set(flow.readers(event))


@EACH_EVENT
def test_the_services_that_build_an_event_are_those_that_the_contracts_name(
    event: type[Event], published_by: dict[type[Event], set[str]]
) -> None:
    assert published_by[event] == set(flow.publishers(event))


def test_every_service_of_the_contracts_is_there_and_no_other() -> None:
    assert sorted(folder.parent.name for folder in SERVICES.glob("*/__main__.py")) == list(flow.SERVICES)
