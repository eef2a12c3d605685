"""Each size adds up: connections, workers, memory and storage, against the arithmetic of deploy/sizing.py."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pytest
import yaml

from contracts import flow
from contracts.topics import PARTITIONS
from deploy import CHART, SIZES
from deploy.sizing import FREE, USED, Assumed, lines, need
from local import ROOT
from tests.deploy.rendering import Object, faults, needs_crds, of_kind, render

ACCOUNTS = {"small": 5_000, "regional": 100_000, "national": 10_000_000}
RELAY = 1
"""Sessions that a worker has besides its pool (chassis/relay.py)."""

OTHERS = 20
"""Sessions of a database's operator, its exporter, a migration and a person who looks, and what PostgreSQL reserves."""

MEMORY_OF_A_SESSION = 8e6  # bytes, of sorts and plans; assumed, several times what point queries use
UNITS = {"m": 1e-3, "Mi": 2**20, "Gi": 2**30, "MB": 2**20, "GB": 2**30}
OPERATED: Object = {
    "kafka": {"mode": "strimzi", "authentication": "scram-sha-512"},
    "postgres": {"mode": "cloudnative-pg", "cloudnativePg": {"backup": {"objectStore": "backups"}}},
}


def amount(text: Any) -> float:
    """A quantity of Kubernetes' or PostgreSQL's, in cores or bytes."""
    found = str(text)
    unit = next((unit for unit in UNITS if found.endswith(unit)), "")
    return float(found.removesuffix(unit)) * UNITS.get(unit, 1)


@dataclass(frozen=True)
class Sized:
    """One size, rendered with the operators."""

    name: str

    @cached_property
    def objects(self) -> list[Object]:
        return render(OPERATED, SIZES / f"{self.name}.yaml")

    @cached_property
    def processes(self) -> list[tuple[str, str, int, Object]]:
        """Service, component, the most pods at once (scaled up, and one more while they are replaced), container."""
        most = {
            scaler["spec"]["scaleTargetRef"]["name"]: scaler["spec"]["maxReplicas"]
            for scaler in of_kind(self.objects, "HorizontalPodAutoscaler").values()
        }
        found = []
        for name, deployment in of_kind(self.objects, "Deployment").items():
            labels = deployment["metadata"]["labels"]
            pods = most.get(name) or deployment["spec"]["replicas"]
            [container] = deployment["spec"]["template"]["spec"]["containers"]
            parts = labels["app.kubernetes.io/name"], labels["app.kubernetes.io/component"]
            found.append((*parts, pods, container))
        return found

    @cached_property
    def clusters(self) -> dict[str, Object]:
        """The database cluster of each service."""
        clusters = of_kind(self.objects, "Cluster")
        return {
            database["spec"]["name"]: clusters[database["spec"]["cluster"]["name"]]
            for database in of_kind(self.objects, "Database").values()
        }

    @property
    def needs(self) -> Any:
        return need(Assumed(ACCOUNTS[self.name]))


@pytest.fixture(scope="module", params=ACCOUNTS)
def size(request: pytest.FixtureRequest) -> Sized:
    return Sized(request.param)


def by_cluster(size: Sized) -> dict[str, list[str]]:
    """Each cluster's services."""
    found: dict[str, list[str]] = {}
    for service, cluster in size.clusters.items():
        found.setdefault(cluster["metadata"]["name"], []).append(service)
    return found


@needs_crds
def test_the_operators_schemas_accept_every_size(size: Sized) -> None:
    assert {name: why for name, why in faults(size.objects).items() if why} == {}


def test_all_pools_together_find_room_in_their_database(size: Sized) -> None:
    wanted = dict.fromkeys(flow.SERVICES, 0)
    for service, component, pods, container in size.processes:
        told = {one["name"]: one.get("value") for one in container["env"]}
        sessions = int(told["MANDAT_DATABASE_CONNECTIONS"]) + (RELAY if component != "api" else 0)
        wanted[service] += (pods + 1) * sessions  # one pod more while they are replaced
    for name, services in by_cluster(size).items():
        [cluster] = [one for one in size.clusters.values() if one["metadata"]["name"] == name][:1]
        room = int(cluster["spec"]["postgresql"]["parameters"]["max_connections"])
        assert sum(wanted[service] for service in services) + OTHERS <= room, name


def test_no_more_workers_than_partitions_even_while_they_are_replaced(size: Sized) -> None:
    for service, component, pods, _ in size.processes:
        assert component == "api" or pods + 1 <= PARTITIONS, service


def test_gateways_have_the_cores_that_the_busiest_minute_takes(size: Sized) -> None:
    for service, component, pods, container in size.processes:
        if component != "worker":
            cores = pods * amount(container["resources"]["requests"]["cpu"])
            assert cores * USED >= size.needs.gateways[service], f"{service}: {cores} cores"


def test_a_database_has_its_cores_memory_and_storage(size: Sized) -> None:
    for name, services in by_cluster(size).items():
        [cluster] = [one["spec"] for one in size.clusters.values() if one["metadata"]["name"] == name][:1]
        told, memory = cluster["postgresql"]["parameters"], amount(cluster["resources"]["limits"]["memory"])
        shared, cached = amount(told["shared_buffers"]), amount(told["effective_cache_size"])
        sessions = int(told["max_connections"]) * MEMORY_OF_A_SESSION
        assert shared + sessions <= memory * USED, f"{name}: buffers and sessions leave nothing to cache files"
        assert shared < cached <= memory * 0.75, name
        if "authorizations" in services:
            assert shared >= size.needs.shared_buffers * 1e9
        cores = amount(cluster["resources"]["requests"]["cpu"])
        assert cores * USED >= sum(size.needs.postgres[service] for service in services), name
        storage = amount(cluster["storage"]["size"])
        assert storage >= FREE * 1e9 * sum(size.needs.storage[service] for service in services), name
        wal = cluster.get("walStorage", cluster["storage"])
        assert amount(told["max_wal_size"]) * FREE <= amount(wal["size"]), name


def test_a_broker_has_room_for_every_partitions_copy_and_memory_besides_its_heap(size: Sized) -> None:
    pools = of_kind(size.objects, "KafkaNodePool")
    [brokers] = [pool["spec"] for pool in pools.values() if "broker" in pool["spec"]["roles"]]
    topics = of_kind(size.objects, "KafkaTopic").values()
    factor = topics.__iter__().__next__()["spec"]["replicas"]
    assert factor <= brokers["replicas"]
    copies = factor / brokers["replicas"]
    [volume] = brokers["storage"]["volumes"]
    assert amount(volume["size"]) >= FREE * copies * size.needs.kafka * 1e9
    heap = amount(brokers["jvmOptions"]["-Xmx"].replace("m", "Mi").replace("g", "Gi"))
    assert heap * 2 <= amount(brokers["resources"]["limits"]["memory"])


def test_what_must_survive_the_loss_of_a_node_is_there_more_than_once(size: Sized) -> None:
    if size.name == "small":  # one node: a copy would go with it, and a budget would hold up its drain
        assert all(pods == 1 for _, _, pods, _ in size.processes)
        assert not of_kind(size.objects, "PodDisruptionBudget")
        return
    assert all(pods >= 2 for _, _, pods, _ in size.processes)
    assert len(of_kind(size.objects, "PodDisruptionBudget")) == len(size.processes)
    for cluster in size.clusters.values():
        assert cluster["spec"]["instances"] >= 3
        assert cluster["spec"]["postgresql"]["synchronous"]["dataDurability"] == "required"
    for topic in of_kind(size.objects, "KafkaTopic").values():
        assert (topic["spec"]["replicas"], topic["spec"]["config"]["min.insync.replicas"]) == (3, "2")


@pytest.mark.parametrize("name", ACCOUNTS)
def test_a_size_stands_beside_brokers_and_databases_of_ones_own_too(name: str) -> None:
    objects = render({}, SIZES / f"{name}.yaml")
    assert not [one["kind"] for one in objects if "strimzi" in one["apiVersion"] or "cnpg" in one["apiVersion"]]
    assert len(of_kind(objects, "Deployment")) == (4 if name == "small" else 8)


@pytest.mark.parametrize("name", ["regional", "national"])
def test_the_page_about_sizing_shows_the_arithmetic_as_it_is(name: str) -> None:
    page = (ROOT / "docs" / "operations" / "sizing.md").read_text(encoding="utf-8")
    assert "\n".join(lines(Assumed(ACCOUNTS[name]))) in page, "python -m deploy.sizing"


def test_no_size_has_a_name_that_the_values_lack() -> None:
    known = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
    for name in ACCOUNTS:
        assert yaml.safe_load((SIZES / f"{name}.yaml").read_text(encoding="utf-8")).keys() <= known.keys()
