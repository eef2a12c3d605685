"""What the chart makes is what Kubernetes takes, restricted, and what the services expect."""

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from chassis import settings
from chassis.service import LONGEST_STOP
from contracts import flow
from deploy import CHART
from tests.deploy.declared import SETTINGS
from tests.deploy.rendering import KUBERNETES, NEEDED, RELEASE, NotRendered, Object, helm, of_kind, render
from tests.deploy.variants import DIGEST, EVERYTHING, NAMES, VARIANTS, pods, rendered

every_variant = pytest.mark.parametrize("variant", NAMES)

OWN_GROUPS = ("v1", "apps/v1", "batch/v1", "policy/v1", "autoscaling/v2", "networking.k8s.io/v1")


@pytest.fixture(scope="module", autouse=True)
def _schemas_are_read_once() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        utils = kubernetes_validate.utils
        patch.setattr(utils, "schema_contents", cache(utils.schema_contents))
        yield


@cache
def refused_by_kubernetes(one: str) -> str:
    """Why Kubernetes' own schema refuses an object, strictly; nothing if it does not."""
    try:
        kubernetes_validate.validate(json.loads(one), KUBERNETES, strict=True)
    except kubernetes_validate.ValidationError as error:
        return f"{'.'.join(map(str, error.path))}: {error.message}"
    return ""


@every_variant
def test_kubernetes_takes_every_object(variant: str) -> None:
    own = [one for one in rendered(variant) if one["apiVersion"] in OWN_GROUPS]
    refused = {f"{one['kind']} {one['metadata']['name']}": refused_by_kubernetes(json.dumps(one)) for one in own}

    assert {name: why for name, why in refused.items() if why} == {}
    assert {one["kind"] for one in own} >= {"Deployment", "Job", "Service", "ConfigMap", "NetworkPolicy"}


@every_variant
def test_names_are_unique_and_short_enough(variant: str) -> None:
    names = [(one["apiVersion"], one["kind"], one["metadata"]["name"]) for one in rendered(variant)]

    assert len(names) == len(set(names))
    assert [name for *_, name in names if len(name) > 63] == []


def test_helm_finds_nothing_to_complain_about(tmp_path: Path) -> None:
    (tmp_path / "needed.json").write_text(json.dumps(NEEDED))
    (tmp_path / "values.json").write_text(json.dumps(EVERYTHING))
    values = ["-f", str(tmp_path / "needed.json"), "-f", str(tmp_path / "values.json")]

    done = helm("lint", "--strict", "--kube-version", KUBERNETES, str(CHART), *values)

    assert done.returncode == 0, done.stdout


RESTRICTED_POD: dict[str, Any] = {
    "hostNetwork": None,
    "hostPID": None,
    "hostIPC": None,
    "automountServiceAccountToken": False,
}
RESTRICTED_CONTAINER: dict[str, Any] = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
    "privileged": None,
    "procMount": None,
}
"""Pod Security Standards, restricted, and beyond it: a read-only root, and no token of Kubernetes."""


@every_variant
def test_every_pod_is_restricted(variant: str) -> None:
    found = pods(rendered(variant))
    assert found
    for name, pod in found.items():
        spec = pod["spec"]
        for key, wanted in RESTRICTED_POD.items():
            assert spec.get(key) == wanted, f"{name}: {key}"
        context = spec["securityContext"]
        assert context["runAsNonRoot"] is True and context["runAsUser"] != 0, name
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}, name
        for container in spec["containers"] + spec.get("initContainers", []):
            for key, wanted in RESTRICTED_CONTAINER.items():
                assert container["securityContext"].get(key) == wanted, f"{name}: {key}"
            assert all("hostPort" not in port for port in container.get("ports", [])), name
        kinds = {kind for volume in spec.get("volumes", []) for kind in volume if kind != "name"}
        assert kinds <= {"configMap", "secret", "emptyDir"}, name


@every_variant
def test_every_container_says_what_it_needs_and_may_take(variant: str) -> None:
    for name, pod in pods(rendered(variant)).items():
        for container in pod["spec"]["containers"] + pod["spec"].get("initContainers", []):
            resources = container["resources"]
            assert {"cpu", "memory"} <= resources["requests"].keys() and "memory" in resources["limits"], name


@every_variant
def test_no_secret_stands_in_what_is_rendered(variant: str) -> None:
    objects = rendered(variant)
    text = json.dumps(objects)

    assert [one["metadata"]["name"] for one in objects if one["kind"] == "Secret"] == []
    assert re.findall(r"://[^/@:\" ]*:[^/@\" ]+@", text) == []
    for pod in pods(objects).values():
        for container in pod["spec"]["containers"] + pod["spec"].get("initContainers", []):
            for variable in container.get("env", []):
                secret = re.search(r"PASSWORD$|SECRET$|DIRECTORIES$", variable["name"])
                assert secret is None or "secretKeyRef" in variable["valueFrom"], variable["name"]


def environment(objects: list[Object], pod: Object, folder: Path, which: str = "containers") -> dict[str, str]:
    """What the process of a pod is told, with every file that it is told of standing in `folder`."""
    container = pod["spec"][which][0]
    volumes = {volume["name"]: volume for volume in pod["spec"]["volumes"]}
    for mount in container["volumeMounts"]:
        volume = volumes[mount["name"]]
        at = folder / mount["mountPath"].lstrip("/")
        at.mkdir(parents=True, exist_ok=True)
        for item in (volume.get("secret") or volume.get("configMap") or {}).get("items", []):
            (at / item["path"]).touch()
    told: dict[str, str] = {}
    for source in container.get("envFrom", []):
        told |= of_kind(objects, "ConfigMap")[source["configMapRef"]["name"]]["data"]
    of_secrets = {"MANDAT_DATABASE_URL": "postgresql://x:y@db/x", "MANDAT_DIRECTORIES": "{}"}
    for variable in container["env"]:
        told[variable["name"]] = variable["value"] if "value" in variable else of_secrets[variable["name"]]
    return {
        name: re.sub(r"^/(secrets|config)/", lambda found: f"{folder}{found[0]}", value) for name, value in told.items()
    }


def deployed(objects: list[Object]) -> list[tuple[str, Object]]:
    """(service, pod) of every Deployment."""
    return [
        (one["metadata"]["labels"]["app.kubernetes.io/name"], one["spec"]["template"])
        for one in of_kind(objects, "Deployment").values()
    ]


@every_variant
def test_every_process_accepts_what_it_is_told(variant: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    objects = rendered(variant)
    told = {service for service, _ in deployed(objects)}
    assert told == set(flow.SERVICES)
    for number, (service, pod) in enumerate(deployed(objects)):
        variables = environment(objects, pod, tmp_path / str(number))
        known = {f"MANDAT_{name.upper()}" for name in SETTINGS[service].model_fields}
        assert variables.keys() - {"SSL_CERT_FILE", "SSL_CERT_DIR"} <= known, service
        with monkeypatch.context() as patch:
            patch.setenv("MANDAT_AGENCY", "/agency/any")  # of the image
            for name, value in variables.items():
                patch.setenv(name, value)
            found = settings.read(SETTINGS[service])
        assert found.keyring.is_file() and found.sealing_keys.is_file()


def migrations(objects: list[Object]) -> dict[str, Object]:
    """The Jobs that migrate, by name."""
    return {name: job for name, job in of_kind(objects, "Job").items() if "-migrate-" in name}


@every_variant
def test_a_migration_is_told_its_database_by_itself(
    variant: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    objects = rendered(variant)
    jobs = migrations(objects)
    assert len(jobs) == len(flow.SERVICES)
    for number, job in enumerate(jobs.values()):
        pod = job["spec"]["template"]
        steps = {step: pod["spec"][step][0] for step in ("initContainers", "containers") if step in pod["spec"]}
        by_strimzi = variant == "operators"  # which makes topics itself
        assert [one["args"][0] for one in steps.values()] == ["migrate", *([] if by_strimzi else ["topics"])]
        for step, container in steps.items():
            with monkeypatch.context() as patch:
                for name, value in environment([], pod, tmp_path / str(number), step).items():
                    patch.setenv(name, value)
                settings.read(settings.DatabaseSettings)
                settings.read(settings.KafkaSettings)
            assert "/secrets/keyring" not in {mount["mountPath"] for mount in container["volumeMounts"]}


def test_every_setting_of_a_service_can_be_given(tmp_path: Path) -> None:
    told = {"MANDAT_AGENCY", "MANDAT_VERSION", "MANDAT_SMTP_PASSWORD"}  # two by the images, the other as a file
    for variant in VARIANTS:
        objects = rendered(variant)
        for number, (_, pod) in enumerate(deployed(objects)):
            told |= environment(objects, pod, tmp_path / variant / str(number)).keys()
    schema = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
    further = set(schema["$defs"]["env"]["propertyNames"]["enum"])
    known = {f"MANDAT_{name.upper()}" for kind in SETTINGS.values() for name in kind.model_fields}

    assert known - told - further == set(), "neither a value nor values.schema.json, $defs.env, gives these"
    assert further - {"SSL_CERT_FILE", "SSL_CERT_DIR"} <= known


@every_variant
def test_a_drain_is_never_held_up_for_good(variant: str) -> None:
    objects = rendered(variant)
    least = {name: one["spec"].get("replicas") for name, one in of_kind(objects, "Deployment").items()}
    least |= {name: one["spec"]["minReplicas"] for name, one in of_kind(objects, "HorizontalPodAutoscaler").items()}
    budgets = {name: one for name, one in of_kind(objects, "PodDisruptionBudget").items() if name in least}

    assert budgets.keys() == {name for name, replicas in least.items() if replicas > 1}
    for budget in budgets.values():
        assert budget["spec"]["maxUnavailable"] == 1 and "minAvailable" not in budget["spec"]


@every_variant
def test_replicas_of_one_deployment_spread_over_hosts_and_zones(variant: str) -> None:
    for name, one in of_kind(rendered(variant), "Deployment").items():
        pod = one["spec"]["template"]
        spread = {each["topologyKey"]: each for each in pod["spec"]["topologySpreadConstraints"]}
        assert spread.keys() == {"kubernetes.io/hostname", "topology.kubernetes.io/zone"}, name
        for each in spread.values():
            assert each["labelSelector"] == one["spec"]["selector"], name
            assert (each["maxSkew"], each["matchLabelKeys"]) == (1, ["pod-template-hash"]), name


@every_variant
def test_gateways_alone_scale_and_how_many_there_are_is_then_nobody_elses(variant: str) -> None:
    objects = rendered(variant)
    deployments = of_kind(objects, "Deployment")
    scaled = {one["spec"]["scaleTargetRef"]["name"] for one in of_kind(objects, "HorizontalPodAutoscaler").values()}

    assert {deployments[name]["spec"]["template"]["spec"]["containers"][0]["name"] for name in scaled} <= {"api"}
    assert scaled == {name for name, one in deployments.items() if "replicas" not in one["spec"]}
    assert scaled or variant not in ("everything", "regional.yaml", "national.yaml")


@every_variant
def test_whoever_selects_pods_finds_some(variant: str) -> None:
    objects = rendered(variant)
    templates = [one["spec"]["template"] for one in of_kind(objects, "Deployment").values()]

    def chosen(labels: dict[str, str]) -> list[Object]:
        return [pod for pod in templates if labels.items() <= pod["metadata"]["labels"].items()]

    for name, service in of_kind(objects, "Service").items():
        found = chosen(service["spec"]["selector"])
        assert found, name
        for pod in found:
            named = {port["name"] for port in pod["spec"]["containers"][0]["ports"]}
            assert {port["targetPort"] for port in service["spec"]["ports"]} <= named, name
    for name, scaler in of_kind(objects, "HorizontalPodAutoscaler").items():
        assert scaler["spec"]["scaleTargetRef"]["name"] in of_kind(objects, "Deployment"), name
    for name, budget in of_kind(objects, "PodDisruptionBudget").items():
        assert "matchLabels" not in budget["spec"]["selector"] or chosen(budget["spec"]["selector"]["matchLabels"]), (
            name
        )


@every_variant
def test_a_process_is_given_the_time_that_it_takes(variant: str) -> None:
    for name, one in of_kind(rendered(variant), "Deployment").items():
        pod = one["spec"]["template"]["spec"]
        container = pod["containers"][0]
        waits = container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
        assert pod["terminationGracePeriodSeconds"] >= LONGEST_STOP + waits, name
        ready = "/readyz/gateway" if container["name"] == "all" else "/readyz"  # a gateway needs no Kafka
        for probe, path in (("startupProbe", "/livez"), ("livenessProbe", "/livez"), ("readinessProbe", ready)):
            assert container[probe]["httpGet"] == {"path": path, "port": "operations"}, name
        assert one["spec"]["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}, name


def test_new_settings_make_new_pods() -> None:
    def told(values: Object) -> str:
        pod = of_kind(render(values), "Deployment")[f"{RELEASE}-linking-worker"]["spec"]["template"]
        found: str = pod["metadata"]["annotations"]["checksum/settings"]
        return found

    assert told({}) != told({"logLevel": "DEBUG"})


def test_migrations_come_before_the_new_code_and_never_hold_up_an_install() -> None:
    installed, upgraded = of_kind(render({}), "Job"), of_kind(render({}, upgrade=True), "Job")

    assert all("annotations" not in job["metadata"] for job in installed.values())
    assert {job["metadata"]["annotations"]["helm.sh/hook"] for job in upgraded.values()} == {"pre-upgrade"}
    for job in upgraded.values():  # a hook runs while the ConfigMaps are still the old release's
        assert "envFrom" not in job["spec"]["template"]["spec"]["initContainers"][0]
        assert job["spec"]["template"]["spec"]["restartPolicy"] == "Never"


def test_private_authorities_are_known_to_whoever_asks_an_issuer() -> None:
    for name, pod in pods(rendered("tokens")).items():
        if name == f"Pod {RELEASE}-test":
            continue
        for container in pod["spec"]["containers"] + pod["spec"].get("initContainers", []):
            [mount] = [one for one in container["volumeMounts"] if one["name"] == "authorities"]
            [volume] = [one["configMap"] for one in pod["spec"]["volumes"] if one["name"] == "authorities"]
            told = {one["name"]: one.get("value") for one in container["env"]}
            for source in container.get("envFrom", []):
                told |= of_kind(rendered("tokens"), "ConfigMap")[source["configMapRef"]["name"]]["data"]
            assert told["SSL_CERT_FILE"] == f"{mount['mountPath']}/{volume['items'][0]['path']}", name
            assert (volume["name"], volume["items"][0]["key"]) == ("authorities", "bundle.pem"), name


def test_a_service_shows_the_database_its_certificate_where_it_is_given_one() -> None:
    for name, pod in pods(rendered("everything")).items():
        mounts = {one["name"]: one["mountPath"] for one in pod["spec"]["containers"][0].get("volumeMounts", [])}
        assert ("database-certificate" in mounts) == ("linking" in name and not name.startswith("CronJob")), name
    url = of_kind(rendered("everything"), "ConfigMap")[f"{RELEASE}-linking"]["data"]["MANDAT_DATABASE_URL"]
    assert url.endswith("&sslcert=/secrets/database-certificate/tls.crt&sslkey=/secrets/database-certificate/tls.key")


def test_an_image_is_pinned_by_its_digest_whatever_the_tag() -> None:
    for name, pod in pods(rendered("everything")).items():
        for container in pod["spec"]["containers"] + pod["spec"].get("initContainers", []):
            pinned = "accounts" in name or name == f"Pod {RELEASE}-test"
            assert container["image"].endswith(f"mandat-accounts@sha256:{DIGEST}" if pinned else ":0.1.0-ccq"), name


def test_another_image_is_another_migration() -> None:
    assert of_kind(render({}), "Job").keys().isdisjoint(of_kind(render({"image": {"tag": "2"}}), "Job"))


def test_what_is_needed_is_asked_for_by_name() -> None:
    for missing, words in (("kafka", "kafka.servers"), ("postgres", "postgres.external.host"), ("smtp", "smtp.hosts")):
        given = {"smtp": {"hosts": []}, "kafka": {"servers": ""}, "postgres": {"external": {"host": ""}}}[missing]
        with pytest.raises(NotRendered, match=re.escape(words)):
            render({missing: given})


def test_every_process_is_watched_under_its_service() -> None:
    objects = rendered("everything")
    monitor = of_kind(objects, "ServiceMonitor")[RELEASE]["spec"]
    watched = [
        one
        for one in of_kind(objects, "Service").values()
        if monitor["selector"]["matchLabels"].items() <= one["metadata"]["labels"].items()
    ]

    assert {one["metadata"]["labels"]["app.kubernetes.io/name"] for one in watched} == set(flow.SERVICES)
    assert all("component" not in " ".join(one["spec"]["selector"]) for one in watched)  # api and worker alike
    assert monitor["endpoints"][0]["relabelings"] == [
        {"sourceLabels": ["__meta_kubernetes_service_label_app_kubernetes_io_name"], "targetLabel": "service"}
    ]


def test_alerts_reach_prometheus_as_they_stand() -> None:
    runbooks = "https://wiki.example.org/runbooks"
    shipped = of_kind(
        render({"monitoring": {"rules": {"enabled": True, "runbooks": runbooks}}}), "PrometheusRule"
    ).values()
    written = [
        yaml.safe_load(file.read_text(encoding="utf-8"))["groups"]
        for file in sorted((CHART / "files" / "rules").glob("*.yaml"))
    ]

    expected = json.loads(json.dumps(written).replace('"docs/runbooks/', f'"{runbooks}/'))
    assert sorted([one["spec"]["groups"] for one in shipped], key=str) == sorted(expected, key=str)


def test_every_secret_that_is_named_can_be_fetched() -> None:
    objects = rendered("everything")
    fetched = {
        name: {item["secretKey"] for item in one["spec"]["data"]}
        for name, one in of_kind(objects, "ExternalSecret").items()
    }
    named: dict[str, set[str]] = {}
    for pod in pods(objects).values():
        for volume in pod["spec"].get("volumes", []):
            if "secret" in volume:
                keys = {item["key"] for item in volume["secret"]["items"]}
                named.setdefault(volume["secret"]["secretName"], set()).update(keys)
        for variable in pod["spec"]["containers"][0].get("env", []):
            if "valueFrom" in variable:
                reference = variable["valueFrom"]["secretKeyRef"]
                named.setdefault(reference["name"], set()).add(reference["key"])

    assert fetched == named
