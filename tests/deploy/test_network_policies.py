"""Between pods, and out of them, goes what the picture shows as an arrow, and nothing else."""

from collections.abc import Iterator

import pytest

from contracts import flow
from tests.deploy.rendering import RELEASE, Object, of_kind, render
from tests.deploy.variants import NAMES, pods, rendered

GATEWAY, OPERATIONS, REPORTS = 8080, 8081, 8024
WORKS = ("worker", "all")
SERVES = ("api", "all")

TESTING = f"Pod {RELEASE}-test"
"""`helm test`, which asks every process: no part of the picture, and looked at by itself."""

CLOSED: Object = {
    "kafka": {"to": [{"ipBlock": {"cidr": "192.0.2.1/32"}}]},
    "gateway": {"from": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "gateways"}}}]},
}


def selects(selector: Object, labels: dict[str, str]) -> bool:
    """Whether a label selector of Kubernetes picks these labels."""
    if not selector.get("matchLabels", {}).items() <= labels.items():
        return False
    expressions = selector.get("matchExpressions", [])
    assert all(one["operator"] == "In" for one in expressions)
    return all(labels.get(one["key"]) in one["values"] for one in expressions)


class Network:
    """What the policies of a rendering let through."""

    def __init__(self, objects: list[Object]) -> None:
        self.policies = [one["spec"] for one in of_kind(objects, "NetworkPolicy").values()]
        self.labels: dict[str, dict[str, str]] = {
            name: pod["metadata"]["labels"] for name, pod in pods(objects).items()
        }
        self.pods = [name for name in self.labels if name != TESTING]

    def _rules(self, way: str, pod: str) -> Iterator[Object]:
        governing = [one for one in self.policies if way in one["policyTypes"]]
        governing = [one for one in governing if selects(one["podSelector"], self.labels[pod])]
        assert governing, f"{pod}: nothing governs its {way}"
        for policy in governing:
            yield from policy.get(way.lower(), [])

    def out(self, pod: str, port: int, to: str | None = None, protocol: str = "TCP") -> bool:
        """Whether a pod may begin a connection: to another of the release, or to a host somewhere else."""
        return any(
            {"protocol": protocol, "port": port} in rule["ports"] and self._meant(rule.get("to"), to)
            for rule in self._rules("Egress", pod)
        )

    def into(self, pod: str, port: int, of: str | None = None) -> bool:
        """Whether a connection may reach a pod: from another of the release, or from a stranger."""
        return any(
            {"protocol": "TCP", "port": port} in rule["ports"] and self._meant(rule.get("from"), of)
            for rule in self._rules("Ingress", pod)
        )

    def _meant(self, peers: list[Object] | None, other: str | None) -> bool:
        if peers is None:
            return True
        if other is None:  # a stranger: named by a policy only where all are
            return any(not peer.get("podSelector", peer.get("namespaceSelector", True)) for peer in peers)
        return any(
            "namespaceSelector" not in peer
            and "podSelector" in peer
            and selects(peer["podSelector"], self.labels[other])
            for peer in peers
        )

    def between(self, one: str, other: str, port: int) -> bool:
        """Whether one pod of the release reaches another."""
        return self.out(one, port, other) and self.into(other, port, one)

    def component(self, pod: str) -> str:
        return self.labels[pod]["app.kubernetes.io/component"]

    def service(self, pod: str) -> str:
        return self.labels[pod]["app.kubernetes.io/name"]


def closed() -> Network:
    """With a gateway and brokers that are named, so that nothing is open because nobody was named."""
    return Network(render({"networkPolicies": CLOSED}))


def test_services_ask_each_other_for_nothing_but_accounts_keys() -> None:
    network = closed()

    reached = {
        (network.service(one), network.service(other))
        for one in network.pods
        for other in network.pods
        for port in (GATEWAY, OPERATIONS, REPORTS)
        if network.between(one, other, port)
    }

    let_in = {
        network.service(other)
        for one in network.pods
        for other in network.pods
        for port in (GATEWAY, OPERATIONS, REPORTS)
        if network.into(other, port, one)
    }

    assert reached == {(service, "accounts") for service in flow.SERVICES}
    assert let_in == {"accounts"}


def test_a_pod_of_the_release_that_no_arrow_knows_reaches_nothing_but_names() -> None:
    network = Network(rendered("least"))
    network.labels["another"] = {"app.kubernetes.io/instance": RELEASE, "app.kubernetes.io/part-of": "mandat"}

    assert list(network._rules("Ingress", "another")) == []
    out = [port for rule in network._rules("Egress", "another") for port in rule["ports"]]
    assert {port["port"] for port in out} == {53}
    everything = of_kind(rendered("least"), "NetworkPolicy")[f"{RELEASE}-nothing-else"]["spec"]
    assert everything["policyTypes"] == ["Ingress", "Egress"] and not {"ingress", "egress"} & everything.keys()


@pytest.mark.parametrize("variant", NAMES)
def test_who_publishes_or_reads_reaches_kafka_and_nobody_else_does(variant: str) -> None:
    network = Network(rendered(variant))
    kafka = {pod for pod in network.pods if network.out(pod, 9093) or network.out(pod, 9093, pod)}
    named = {pod for pod in network.pods if any(_named(rule, 9093) for rule in network._rules("Egress", pod))}

    assert {network.service(pod) for pod in kafka | named} == set(flow.SERVICES)
    assert {network.component(pod) for pod in kafka | named} - {"migrate", "audit"} <= set(WORKS)


def _named(rule: Object, port: int) -> bool:
    return {"protocol": "TCP", "port": port} in rule["ports"]


@pytest.mark.parametrize("variant", NAMES)
def test_mails_go_out_where_they_are_sent_and_keys_are_fetched_where_they_are_needed(variant: str) -> None:
    network = Network(rendered(variant))
    out = {port: {pod for pod in network.pods if network.out(pod, port)} for port in (25, 465, 587, 443)}

    for port in (25, 465, 587):
        assert {network.service(pod) for pod in out[port]} == {"notifications"}
        assert {network.component(pod) for pod in out[port]} <= set(WORKS)
    serving = {pod for pod in network.pods if network.component(pod) in SERVES}
    of_tokens = set() if variant != "tokens" else {pod for pod in network.pods if _signs_in(pod)}
    assert out[443] == serving | of_tokens


def _signs_in(pod: str) -> bool:
    """Whether a pod speaks with the brokers: all do but gateways, and who lets the audit be read."""
    return not pod.endswith("-api") and "-audit-allow-" not in pod


@pytest.mark.parametrize("variant", NAMES)
def test_every_pod_finds_names_and_its_database(variant: str) -> None:
    network = Network(rendered(variant))
    for pod in network.pods:
        rules = list(network._rules("Egress", pod))
        assert any(_named(rule, 5432) for rule in rules), pod
        assert any({"protocol": "UDP", "port": 53} in rule["ports"] for rule in rules), pod


@pytest.mark.parametrize("variant", NAMES)
def test_the_test_of_a_release_reaches_every_process_and_nothing_else(variant: str) -> None:
    network = Network(rendered(variant))
    serving = [pod for pod in network.pods if network.component(pod) in (*SERVES, *WORKS)]

    assert [pod for pod in serving if not network.between(TESTING, pod, OPERATIONS)] == []
    assert [port for port in (443, 5432, 9093, 587, 8025) if network.out(TESTING, port)] == []
    assert not network.into(TESTING, GATEWAY, serving[0])


@pytest.mark.parametrize("variant", NAMES)
def test_nothing_else_goes_out(variant: str) -> None:
    network = Network(rendered(variant))
    known = {53, 5432, 9092, 9093, 443, GATEWAY, 25, 465, 587, 4318}
    for pod in network.pods:
        for rule in network._rules("Egress", pod):
            assert {port["port"] for port in rule["ports"]} <= known, pod


def test_strangers_reach_no_pod_unless_they_are_named() -> None:
    network = closed()
    assert [pod for pod in network.pods for port in (GATEWAY, OPERATIONS, REPORTS) if network.into(pod, port)] == []

    default = Network(rendered("least"))
    assert {default.component(pod) for pod in default.pods if default.into(pod, GATEWAY)} == {"api"}
    assert [pod for pod in default.pods if default.into(pod, OPERATIONS)] == []


def test_reports_reach_those_who_read_them_where_there_is_a_server() -> None:
    network = Network(rendered("everything"))
    reached = {pod for pod in network.pods if network.into(pod, REPORTS)}

    assert {(network.service(pod), network.component(pod)) for pod in reached} == {("notifications", "worker")}


def test_directories_are_asked_by_linking_alone() -> None:
    policies = of_kind(rendered("everything"), "NetworkPolicy")

    assert policies[f"{RELEASE}-directories"]["spec"]["podSelector"]["matchLabels"].items() >= {
        ("app.kubernetes.io/name", "linking"),
        ("app.kubernetes.io/component", "api"),
    }
    assert f"{RELEASE}-directories" not in of_kind(rendered("least"), "NetworkPolicy")


def test_a_port_that_a_value_names_is_allowed_without_a_second_word() -> None:
    elsewhere: Object = {
        "kafka": {
            "servers": "a.example.org:19093,b.example.org:29093",
            "authentication": "oauthbearer",
            "tls": {"enabled": True},
            "oauth": {"tokenUrl": "https://idp.example.org:8443/token"},
        },
        "postgres": {"external": {"port": 6543}},
        "services": {"accounts": {"database": {"pooler": {"host": "pooler.example.org", "port": 6432}}}},
        "smtp": {"hosts": ["relay.example.org:2525", "[2001:db8::1]:587"]},
        "demoAgentIssuers": [{"issuer": "https://i.test", "jwks_uri": "https://i.test:444/keys", "audience": "x"}],
        "traces": {"to": "http://collector1:4319/v1"},
    }
    named = {
        name.removeprefix(f"{RELEASE}-"): [port["port"] for port in rule["ports"]]
        for name, one in of_kind(render(elsewhere), "NetworkPolicy").items()
        for rule in one["spec"].get("egress", [])
    }

    assert named["kafka"] == [9092, 9093, 19093, 29093]
    assert named["database"] == [5432, 6543, 6432]
    assert named["mail"] == [25, 465, 587, 2525]
    assert named["issuers"] == [443, 8443, 444]
    assert named["traces"] == [4318, 4319]
