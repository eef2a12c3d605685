"""What Strimzi and CloudNativePG are asked for: topics, users and their rights as the contracts say, and databases that
the services are told of."""

import re
from typing import Any

import pytest
import yaml

from contracts import acls, flow
from contracts.topics import TOPICS
from local import ROOT
from tests.deploy.alerting import RULES, read
from tests.deploy.rendering import RELEASE, NotRendered, Object, faults, merged, needs_crds, of_kind, render

EXTENSION = re.compile(r"create extension if not exists (\w+)")
MIGRATIONS = sorted(ROOT.glob("services/*/migrations/*.sql"))
PREFIX = "ccq."
ONE: Object = {
    "kafka": {"mode": "strimzi", "authentication": "scram-sha-512", "topicPrefix": PREFIX},
    "postgres": {"mode": "cloudnative-pg", "cloudnativePg": {"backup": {"objectStore": "backups"}}},
    "subscribers": [
        {"name": "observatory"},
        {"name": "portal", "topics": ["accounts.events"], "authentication": "mtls", "quotas": {"consumerByteRate": 1}},
    ],
}
RESTORED = {"generation": "2", "from": "m-linking-postgres", "to": "2026-11-28 10:00:00Z"}
EACH: Object = {
    "kafka": {"mode": "strimzi", "authentication": "mtls", "strimzi": {"controllers": {"replicas": 3}, "zones": True}},
    "postgres": {
        "mode": "cloudnative-pg",
        "cloudnativePg": {
            "clusters": "each",
            "pooler": {"enabled": True},
            "backup": {"objectStore": "backups"},
            "services": {"authorizations": {"storage": {"size": "200Gi"}}},
            "restored": {"linking": RESTORED | {"use": True}},
        },
    },
}
OPERATED = pytest.mark.parametrize("values", [ONE, EACH], ids=["one cluster", "a cluster for each"])


def rights(user: Object) -> set[tuple[str, str, str, str]]:
    """What a user may: operation, kind of resource, its name, and whether that is only how it begins."""
    return {
        (operation, rule["resource"]["type"], rule["resource"]["name"], rule["resource"]["patternType"])
        for rule in user["spec"]["authorization"]["acls"]
        for operation in rule["operations"]
    }


def named(allowed: tuple[acls.Acl, ...]) -> set[tuple[str, str, str, str]]:
    """The same of what the contracts name."""
    patterns = {"literal": "literal", "prefixed": "prefix"}
    return {
        (operation, acl.resource, f"{PREFIX}{acl.name}", patterns[acl.pattern])
        for acl in allowed
        for operation in acl.operations
    }


def settings(objects: list[Object], service: str) -> dict[str, str]:
    found: dict[str, str] = of_kind(objects, "ConfigMap")[f"{RELEASE}-{service}"]["data"]
    return found


@needs_crds
@OPERATED
def test_the_operators_schemas_accept_what_they_are_asked_for(values: Object) -> None:
    found = faults(render(values))
    assert {name: why for name, why in found.items() if why} == {}
    kinds = {name.split()[0] for name in found}
    assert kinds >= {"KafkaTopic", "KafkaUser", "Cluster", "Database", "ScheduledBackup"}


def test_topics_are_those_of_the_contracts_with_their_partitions_and_settings() -> None:
    found = of_kind(render(ONE), "KafkaTopic").values()
    assert {topic["spec"]["topicName"]: topic["spec"]["partitions"] for topic in found} == {
        f"{PREFIX}{topic.name}": topic.partitions for topic in TOPICS
    }
    for topic in TOPICS:
        [spec] = [one["spec"] for one in found if one["spec"]["topicName"] == f"{PREFIX}{topic.name}"]
        assert spec["config"] == topic.configuration | {"min.insync.replicas": "2"}
        assert spec["replicas"] == 3


@pytest.mark.parametrize("service", flow.SERVICES)
def test_a_services_user_may_what_the_contracts_name_and_no_more(service: str) -> None:
    user = of_kind(render(ONE), "KafkaUser")[f"{RELEASE}-{service}"]
    assert rights(user) == named(acls.of_service(service))


@pytest.mark.parametrize("service", flow.SERVICES)
def test_a_service_signs_in_as_its_user_with_the_secret_that_the_operator_makes(service: str) -> None:
    objects = render(ONE)
    told = settings(objects, service)
    user = told["MANDAT_KAFKA_USERNAME"]
    assert of_kind(objects, "KafkaUser")[user]["spec"]["authentication"] == {"type": "scram-sha-512"}
    assert told["MANDAT_KAFKA_SERVERS"] == f"{RELEASE}-kafka-kafka-bootstrap:9093"
    assert told["MANDAT_TOPIC_PREFIX"] == PREFIX
    for deployment in of_kind(objects, "Deployment").values():
        if deployment["metadata"]["labels"]["app.kubernetes.io/name"] == service:
            volumes = {v["name"]: v for v in deployment["spec"]["template"]["spec"]["volumes"]}
            assert volumes["kafka"]["secret"]["secretName"] == user
            assert volumes["kafka-ca"]["secret"]["secretName"] == f"{RELEASE}-kafka-cluster-ca-cert"


def test_a_subscriber_may_read_public_topics_in_groups_of_its_own_and_nothing_else() -> None:
    users = of_kind(render(ONE), "KafkaUser")
    assert rights(users[f"{RELEASE}-subscriber-observatory"]) == named(acls.of_subscriber("observatory"))
    portal = users[f"{RELEASE}-subscriber-portal"]["spec"]
    assert {rule["resource"]["name"] for rule in portal["authorization"]["acls"]} == {
        f"{PREFIX}accounts.events",
        f"{PREFIX}subscriber.portal.",
    }
    assert (portal["authentication"], portal["quotas"]) == ({"type": "tls"}, {"consumerByteRate": 1})


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"subscribers": [{"name": "portal", "topics": ["accounts.people"]}]}, "accounts.people, which is not public"),
        ({"kafka": {"mode": "strimzi", "authentication": "none"}}, "allow nobody they do not know"),
        ({"kafka": {"mode": "strimzi", "authentication": "plain"}}, "allow nobody they do not know"),
        ({"kafka": {"mode": "external", "tls": {"enabled": True}}}, "kafka_acls --subscriber NAME"),
        ({"kafka": {"strimzi": {"nodes": {"replicas": 1}}}}, "more than nodes.replicas"),
        ({"postgres": {"cloudnativePg": {"instances": 1}}}, "synchronous.replicas must be fewer"),
        ({"postgres": {"cloudnativePg": {"restored": {"linking": RESTORED | {"use": True}}}}}, "no such cluster"),
        ({"postgres": {"cloudnativePg": {"services": {"linking": {"instances": 1}}}}}, "nothing differs by service"),
    ],
)
def test_what_would_give_too_much_or_could_never_run_is_refused(values: Object, why: str) -> None:
    with pytest.raises(NotRendered, match=why):
        render(merged(ONE, values))


def test_a_subscriber_who_leaves_the_values_loses_access_while_records_and_databases_stay() -> None:
    kept = {
        kind: {one["metadata"].get("annotations", {}).get("helm.sh/resource-policy") for one in found.values()}
        for kind in ("KafkaUser", "KafkaTopic", "Kafka", "KafkaNodePool", "Cluster", "Database")
        if (found := of_kind(render(ONE), kind))
    }
    assert kept == {
        "KafkaUser": {None},
        "KafkaTopic": {"keep"},
        "Kafka": {"keep"},
        "KafkaNodePool": {"keep"},
        "Cluster": {"keep"},
        "Database": {"keep"},
    }


@OPERATED
@pytest.mark.parametrize("service", flow.SERVICES)
def test_a_service_is_told_of_the_cluster_with_its_database(values: Object, service: str) -> None:
    objects = render(values)
    [database] = [one["spec"] for one in of_kind(objects, "Database").values() if one["spec"]["name"] == service]
    cluster = database["cluster"]["name"]
    url = settings(objects, service)["MANDAT_DATABASE_URL"]
    assert f"{service}@{cluster}-rw:5432/{service}?sslmode=verify-full" in url
    asked = {extension["name"] for extension in database["extensions"]}
    assert asked == set().union(*(EXTENSION.findall(file.read_text("utf-8")) for file in MIGRATIONS))
    assert service in owners(of_kind(objects, "Cluster")[cluster])


def test_a_roles_password_is_fetched_as_the_operator_reads_it() -> None:
    found = of_kind(
        render(merged(ONE, {"secrets": {"external": {"enabled": True, "store": {"name": "vault"}}}})), "ExternalSecret"
    )
    for service in flow.SERVICES:
        spec = found[f"mandat-{service}-database"]["spec"]
        assert {one["secretKey"] for one in spec["data"]} == {"username", "password"}
        assert spec["target"]["template"]["type"] == "kubernetes.io/basic-auth"
    assert not [name for name in found if name.startswith(f"{RELEASE}-")], (
        "what operators make is fetched from nowhere else"
    )


def owners(cluster: Object) -> set[str]:
    """The roles that a cluster makes."""
    bootstrap: Any = cluster["spec"]["bootstrap"]
    [first] = bootstrap.values()
    return {first["owner"], *(role["name"] for role in cluster["spec"].get("managed", {}).get("roles", []))}


def test_a_restored_cluster_stands_beside_the_one_that_is_used_until_it_is_used_itself() -> None:
    waiting = {"postgres": {"cloudnativePg": {"restored": {"linking": RESTORED | {"use": False}}}}}
    objects = render(merged(EACH, waiting))
    assert {f"{RELEASE}-linking-postgres", f"{RELEASE}-linking-postgres-2"} <= of_kind(objects, "Cluster").keys()
    assert f"@{RELEASE}-linking-postgres-rw:" in settings(objects, "linking")["MANDAT_DATABASE_URL"]

    objects = render(EACH)
    assert f"{RELEASE}-linking-postgres" not in of_kind(objects, "Cluster")
    restored = of_kind(objects, "Cluster")[f"{RELEASE}-linking-postgres-2"]["spec"]
    assert restored["bootstrap"]["recovery"]["recoveryTarget"] == {"targetTime": "2026-11-28 10:00:00Z"}
    [source] = restored["externalClusters"]
    assert source["plugin"]["parameters"] == {"barmanObjectName": "backups", "serverName": "m-linking-postgres"}
    assert f"@{RELEASE}-linking-postgres-2-rw:" in settings(objects, "linking")["MANDAT_DATABASE_URL"]
    assert f"@{RELEASE}-accounts-postgres-rw:" in settings(objects, "accounts")["MANDAT_DATABASE_URL"]


def test_only_api_goes_through_the_pooler_whose_name_the_servers_certificate_bears() -> None:
    objects = render(EACH)
    pooler = f"{RELEASE}-accounts-postgres-api"
    assert pooler in of_kind(objects, "Pooler")
    certificates = of_kind(objects, "Cluster")[f"{RELEASE}-accounts-postgres"]["spec"]["certificates"]
    assert pooler in certificates["serverAltDNSNames"]
    by_pooler = {
        name
        for name, deployment in of_kind(objects, "Deployment").items()
        if re.search(r"-postgres(-2)?-api:", str(deployment["spec"]["template"]["spec"]["containers"]))
    }
    assert by_pooler == {f"{RELEASE}-{service}-api" for service in flow.SERVICES}


@OPERATED
def test_every_database_cluster_is_watched_under_its_name(values: Object) -> None:
    objects = render(values | {"monitoring": {"serviceMonitors": {"enabled": True}}})
    monitor = of_kind(objects, "PodMonitor")[f"{RELEASE}-postgres"]["spec"]

    (selected,) = monitor["selector"]["matchExpressions"]
    assert {*of_kind(objects, "Cluster")} <= {*selected["values"]}
    assert monitor["podMetricsEndpoints"][0]["relabelings"] == [
        {"sourceLabels": ["__meta_kubernetes_pod_label_cnpg_io_cluster"], "targetLabel": "cnpg_cluster"}
    ]


@OPERATED
def test_brokers_that_the_chart_makes_tell_what_the_alerts_about_them_read(values: Object) -> None:
    objects = render(merged(values, {"monitoring": {"serviceMonitors": {"enabled": True}}}))
    [kafka] = of_kind(objects, "Kafka").values()
    told = kafka["spec"]["kafka"]["metricsConfig"]["valueFrom"]["configMapKeyRef"]
    exporter = yaml.safe_load(of_kind(objects, "ConfigMap")[told["name"]]["data"][told["key"]])
    counted = {
        rule["name"].replace("$1", name).lower()
        for rule in exporter["rules"]
        for name in re.findall(r"\(([\w|]+)\)", rule["pattern"])[0].split("|")
    }
    [rules] = [file for file in RULES if file.stem == "brokers"]
    read_there = {name for rule in read(rules) for name in re.findall(r"\bkafka_\w+_\w+_\w+", rule["expr"])}
    assert read_there and read_there <= counted

    monitor = of_kind(objects, "PodMonitor")[f"{RELEASE}-kafka"]["spec"]
    assert monitor["selector"]["matchLabels"]["strimzi.io/cluster"] == kafka["metadata"]["name"]
    assert monitor["podMetricsEndpoints"][0]["relabelings"] == [
        {"sourceLabels": ["__meta_kubernetes_pod_label_strimzi_io_cluster"], "targetLabel": "kafka_cluster"}
    ]
    elsewhere = render(
        merged(
            values, {"monitoring": {"serviceMonitors": {"enabled": True}}, "kafka": {"strimzi": {"cluster": "theirs"}}}
        )
    )
    assert f"{RELEASE}-kafka" not in of_kind(elsewhere, "PodMonitor")


@OPERATED
def test_a_service_is_let_into_its_own_database_alone(values: Object) -> None:
    objects = render(values)
    for cluster in of_kind(objects, "Cluster").values():
        rules = [line.split() for line in cluster["spec"]["postgresql"]["pg_hba"]]
        users = {user for _, database, user, *_ in rules if database != "all"}
        for user in users:
            for database in (*flow.SERVICES, "postgres"):
                first = next(rule for rule in rules if rule[2] == user and rule[1] in (database, "all"))
                assert first[-1] == ("scram-sha-256" if database == user else "reject"), (user, database)
    assert users
