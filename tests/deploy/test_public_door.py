"""The public host leads each path to the service that has it, by TLS alone."""

import json

import pytest

from contracts import flow
from deploy import CHART
from tests.cluster.routes import rules_of
from tests.deploy.rendering import RELEASE, faults, needs_crds, of_kind
from tests.deploy.variants import EVERYTHING, rendered


@needs_crds
@pytest.mark.parametrize("variant", ["everything", "whole"])
def test_gateway_api_takes_every_route(variant: str) -> None:
    looked_at = faults(rendered(variant))

    assert {name: why for name, why in looked_at.items() if why} == {}
    assert f"HTTPRoute {RELEASE}-accounts" in looked_at


def test_each_public_path_leads_to_its_service_and_to_no_other() -> None:
    routes = of_kind(rendered("whole"), "HTTPRoute").values()
    rules = rules_of(routes)
    for service in flow.SERVICES:
        document = json.loads((CHART.parents[2] / "contracts" / "openapi" / f"{service}.json").read_text())
        for path in document["paths"]:
            assert {rule.service for rule in rules if rule.takes(path)} == {f"{RELEASE}-{service}"}, path
    for route in routes:
        assert len(route["spec"]["rules"][0]["matches"]) <= 64  # as many as Gateway API takes


def test_plain_http_is_only_sent_elsewhere() -> None:
    objects = rendered("everything")
    routes = of_kind(objects, "HTTPRoute")
    listeners = {one["name"]: one for one in of_kind(objects, "Gateway")[RELEASE]["spec"]["listeners"]}

    for name, route in routes.items():
        protocols = {listeners[parent["sectionName"]]["protocol"] for parent in route["spec"]["parentRefs"]}
        assert protocols == ({"HTTP"} if name == f"{RELEASE}-redirect" else {"HTTPS"}), name
        assert route["spec"]["hostnames"] == EVERYTHING["hosts"]
    filters = routes[f"{RELEASE}-redirect"]["spec"]["rules"][0]["filters"]
    assert filters[0]["requestRedirect"]["scheme"] == "https"
    assert [one["hostname"] for one in listeners.values() if one["protocol"] == "HTTPS"] == EVERYTHING["hosts"]
