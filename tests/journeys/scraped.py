"""What a journey leaves to be measured: that it can be seen, and that nobody can be seen in it."""

import re
from collections.abc import Iterator

import httpx
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

from chassis.gate import METHODS, UNMATCHED
from contracts import flow
from contracts.events import REGISTRY
from contracts.topics import TOPICS
from local.ports import SERVICES
from local.stack import Stack
from tests.fixtures.patience import PATIENCE

APART = {"/access/v1/evaluation", "/access/v1/evaluations"}  # in no OpenAPI document of ours: OpenID AuthZEN's own
WORDS = re.compile(r"([A-Za-z]+([ _.][A-Za-z]+)*)?")
"""A code, a name in our code, a few words: no digit, so no number, no id, no date; no sign that an address has."""

FORMS = {
    "code": re.compile(r"[1-5]\d\d"),
    "status": re.compile(r"[1-5]xx"),
    "policy": re.compile(r"[0-9a-f]{16}"),
    "version": re.compile(r"unreleased|\d+\.\d+\.\d+.*"),
    "host": re.compile(r"127\.0\.0\.1:\d+"),
    "source": re.compile(r"http://127\.0\.0\.1:\d+/[a-z./-]*jwks\.json"),
    "chore": re.compile(r"[A-Za-z][A-Za-z' ]*"),
    "le": re.compile(r"\d+\.\d+|\+Inf"),
}
SEEN = {
    "accounts": {
        "mandat_requests", "mandat_request_seconds", "mandat_process_info", "mandat_pool_connections", "mandat_acts",
        "mandat_outbox_age_seconds", "mandat_loop_lag_seconds", "mandat_audit_unsealed_seconds",
        "mandat_dead_letters_oldest_seconds",
        "mandat_accounts_registrations", "mandat_outbox_relayed",
    },
    "linking": {"mandat_message_delay_seconds", "mandat_consumer_lag", "mandat_problems"},
    "authorizations": {
        "mandat_access_check_seconds", "mandat_decisions", "mandat_import_rows", "mandat_imports",
        "mandat_claims_waiting", "mandat_message_seconds", "mandat_pool_wait_seconds",
    },
    "notifications": {"mandat_mail_delivery_seconds", "mandat_mails", "mandat_mails_waiting"},
}  # fmt: skip


async def of(stack: Stack, service: str) -> dict[str, Metric]:
    """What a scrape of one service shows, by name."""
    async with httpx.AsyncClient(timeout=PATIENCE) as http:
        answer = await http.get(f"{stack.operations(service)}/metrics")
    return {found.name: found for found in text_string_to_metric_families(answer.text)}


async def nothing_personal(stack: Stack) -> None:
    """No value of a label is anything but a word of ours, a route, or what operators have set."""
    allowed = {
        "method": METHODS | {"other"},
        "consumer": {flow.consumer_name(service, topic) for service in SERVICES for topic in TOPICS},
        "topic": {topic.name for topic in TOPICS},
        "type": {*REGISTRY, "unknown", "other"},
    }
    wrong = set[str]()
    for service in SERVICES:
        allowed["route"] = await _routes(stack, service)
        for name, label, value in _values(await of(stack, service)):
            fits = value in allowed[label] if label in allowed else FORMS.get(label, WORDS).fullmatch(value)
            if not fits:
                wrong.add(f"{service}: {name} has {label}={value!r}")
    assert not wrong, sorted(wrong)


async def what_operators_need(stack: Stack) -> None:
    """Each figure is there, with something in it."""
    for service, names in SEEN.items():
        found = await of(stack, service)
        missing = sorted(name for name in names if not (name in found and found[name].samples))
        assert not missing, f"{service} does not show {missing}"


async def _routes(stack: Stack, service: str) -> set[str]:
    found = APART | {UNMATCHED}
    async with httpx.AsyncClient(timeout=PATIENCE) as http:
        for document in ("openapi.json", "operations/openapi.json"):
            answer = await http.get(f"{stack.operations(service)}/{document}")
            found |= set(answer.json()["paths"])
    return found


def _values(families: dict[str, Metric]) -> Iterator[tuple[str, str, str]]:
    for family in families.values():
        if family.name.startswith("mandat_"):
            for sample in family.samples:
                for label, value in sample.labels.items():
                    yield sample.name, label, value
        else:
            assert family.name.startswith(("python_", "process_"))
