"""What the Helm chart is told: topics, who may do what at the broker, and the paths of each gateway.

Its templates add the deployment's own names; no name of a topic, a group or a path is written there.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from contracts import acls, flow
from contracts.acls import Acl
from contracts.topics import TOPICS, Topic

NOTICE = "# Written by `python -m contracts.generate` from contracts/ and the gateways; do not edit.\n"

Gateways = Mapping[str, str]
"""The OpenAPI document of each service's gateway, as text."""


def written(gateways: Gateways) -> str:
    """The document as YAML."""
    text: str = yaml.safe_dump(document(gateways), sort_keys=False, width=120, default_flow_style=None)
    return NOTICE + text


def document(gateways: Gateways) -> dict[str, Any]:
    """The document. Raises ValueError when two gateways share a prefix: one host routes on them."""
    prefixes = {service: _prefixes(json.loads(gateways[service])["paths"]) for service in flow.SERVICES}
    _require_distinct(prefixes)
    return {
        "topics": [_topic(topic) for topic in TOPICS],
        "services": {service: _service(service, prefixes[service]) for service in flow.SERVICES},
        "auditor": {"acls": [_acl(acl) for acl in acls.of_auditor()]},
        "subscribers": {
            "groups": acls.SUBSCRIBERS,
            "topics": [topic.name for topic in acls.SUBSCRIBABLE],
            "operations": list(acls.READING),
        },
    }


def _topic(topic: Topic) -> dict[str, Any]:
    return {
        "name": topic.name,
        "partitions": topic.partitions,
        "configuration": topic.configuration,
    }


def _service(service: str, prefixes: list[str]) -> dict[str, Any]:
    return {
        "http": prefixes,
        "acls": [_acl(acl) for acl in acls.of_service(service)],
    }


def _acl(acl: Acl) -> dict[str, Any]:
    return {"resource": acl.resource, "name": acl.name, "operations": list(acl.operations)}


def _prefixes(paths: Iterable[str]) -> list[str]:
    """The first two steps of each path: `/v1/accounts`, `/access/v1`, `/.well-known/jwks.json`."""
    return sorted({"/".join(path.split("/")[:3]) for path in paths})


def _require_distinct(prefixes: Mapping[str, list[str]]) -> None:
    owners: dict[str, str] = {}
    for service, found in prefixes.items():
        for prefix in found:
            if "{" in prefix:
                raise ValueError(f"{service}: {prefix} cannot be routed on")
            if owners.setdefault(prefix, service) != service:
                raise ValueError(f"{owners[prefix]} and {service} both serve {prefix}")
