"""The chart has every audit verified daily, by who can only read it."""

import re
from pathlib import Path

import pytest

from chassis import settings
from chassis.commands.audit import VerifyingSettings
from chassis.commands.audit import _parser as parser
from contracts import acls, flow
from tests.deploy.rendering import RELEASE, NotRendered, Object, merged, of_kind, render
from tests.deploy.test_chart import environment
from tests.deploy.test_network_policies import Network
from tests.deploy.test_operators import ONE, named, owners, rights
from tests.deploy.variants import VARIANTS, pods, rendered

AUDITED = [name for name, values in VARIANTS.items() if values.get("auditVerification")]
where_it_is_enabled = pytest.mark.parametrize("variant", AUDITED)


def secrets(pod: Object) -> set[str]:
    """The Secrets that a pod mounts, or is told of by its environment."""
    mounted = {volume["secret"]["secretName"] for volume in pod["spec"]["volumes"] if "secret" in volume}
    told = pod["spec"]["containers"][0]["env"]
    return mounted | {one["valueFrom"]["secretKeyRef"]["name"] for one in told if "valueFrom" in one}


@where_it_is_enabled
def test_each_service_has_its_audit_verified_with_what_that_takes(
    variant: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    objects = rendered(variant)
    jobs = of_kind(objects, "CronJob")
    assert jobs.keys() == {f"{RELEASE}-{service}-audit" for service in flow.SERVICES}
    for name, job in jobs.items():
        pod = job["spec"]["jobTemplate"]["spec"]["template"]
        parser("x").parse_args(pod["spec"]["containers"][0]["args"][1:])
        assert "envFrom" not in pod["spec"]["containers"][0], "the service's own settings name its own way in"
        with monkeypatch.context() as patch:
            patch.setenv("MANDAT_AGENCY", "/agency/any")  # of the image
            for variable, value in environment([], pod, tmp_path / name).items():
                patch.setenv(variable, value)
            found = settings.read(VerifyingSettings)
        if variant != "urls" or "linking" not in name:
            assert re.match(r"postgresql://\w+_auditor@", found.database_url.get_secret_value())
        assert found.kafka_username in (None, "auditor", f"{RELEASE}-auditor")
        assert (job["spec"]["concurrencyPolicy"], job["spec"]["timeZone"]) == ("Forbid", "Etc/UTC")
        assert len(name) <= 52, "Kubernetes takes no longer name of a CronJob"


@where_it_is_enabled
def test_who_verifies_holds_no_secret_of_who_writes(variant: str) -> None:
    found = pods(rendered(variant))
    authorities = re.compile("-ca$|-ca-cert$|-authority$")
    writing = {secret for name, pod in found.items() if name.startswith("Deployment") for secret in secrets(pod)}
    for name, pod in found.items():
        if name.startswith("CronJob"):
            assert {one for one in secrets(pod) & writing if not authorities.search(one)} == set(), name
            assert not {"keyring", "sealing-keys"} & {volume["name"] for volume in pod["spec"]["volumes"]}


def test_a_role_of_anothers_url_is_asked_for_and_never_guessed() -> None:
    with pytest.raises(NotRendered, match=r"services\.linking\.auditor\.url is needed"):
        render(merged(VARIANTS["urls"], {"services": {"linking": {"auditor": {"url": {"secret": ""}}}}}))
    pod = of_kind(rendered("urls"), "CronJob")[f"{RELEASE}-linking-audit"]["spec"]["jobTemplate"]["spec"]["template"]
    assert secrets(pod) == {"auditors-url"}


def test_who_verifies_is_not_who_writes() -> None:
    same: Object = {"services": {"linking": {"auditor": {"user": "linking"}}}}
    with pytest.raises(NotRendered, match=r"services\.linking\.auditor\.user is database\.user"):
        render(merged(VARIANTS["operators"], same))
    assert render(merged(VARIANTS["operators"], {**same, "auditVerification": {"enabled": False}}))


@where_it_is_enabled
def test_who_owns_the_tables_lets_the_role_read_them_with_every_revision(variant: str) -> None:
    for revision, objects in enumerate((rendered(variant), render(VARIANTS[variant], upgrade=True))):
        jobs = {name: job for name, job in of_kind(objects, "Job").items() if "-audit-allow-" in name}
        assert len(jobs) == len(flow.SERVICES)
        for name, job in jobs.items():
            assert "annotations" not in job["metadata"], f"{revision}: a hook comes before the operator makes the role"
            [command, what, role] = job["spec"]["template"]["spec"]["containers"][0]["args"]
            assert (command, what, name.split("-")[1]) == ("audit", "allow", role.removesuffix("_auditor"))


@where_it_is_enabled
def test_who_verifies_reaches_its_database_and_the_brokers_and_nothing_reaches_it(variant: str) -> None:
    network = Network(rendered(variant))
    tokens = {443} if variant == "tokens" else set()
    for pod in [pod for pod in network.pods if pod.startswith("CronJob")]:
        assert list(network._rules("Ingress", pod)) == []
        out = {port["port"] for rule in network._rules("Egress", pod) for port in rule["ports"]}
        assert out == {53, 5432, 9092, 9093} | tokens, pod
        policies = [one for one in of_kind(rendered(variant), "NetworkPolicy") if one.startswith(f"{RELEASE}-audit-")]
        assert len(policies) == 2 + len(tokens)


def test_strimzi_makes_a_user_that_reads_published_heads_and_nothing_else() -> None:
    users = of_kind(render(ONE | {"auditVerification": {"enabled": True}}), "KafkaUser")
    assert rights(users[f"{RELEASE}-auditor"]) == named(acls.of_auditor())
    assert f"{RELEASE}-auditor" not in of_kind(render(ONE), "KafkaUser")


def test_cloudnativepg_makes_the_roles_and_lets_each_into_its_own_database_alone() -> None:
    for cluster in of_kind(rendered("operators"), "Cluster").values():
        roles = {f"{service}{suffix}" for service in flow.SERVICES for suffix in ("", "_auditor")}
        assert owners(cluster) == roles
        rules = [line.split() for line in cluster["spec"]["postgresql"]["pg_hba"]]
        for role in roles:
            first = {rule[1]: rule[-1] for rule in reversed(rules) if rule[2] == role}
            assert first == {role.removesuffix("_auditor"): "scram-sha-256", "all": "reject"}
            at = [rule[-1] for rule in rules if rule[2] == role]
            assert at == ["scram-sha-256", "reject"], "the first that fits counts"
