"""The parts of the trial that need no cluster."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from chassis.kafka import Clients
from chassis.topics import Wanted
from contracts.agency import load
from local import ROOT
from tests.cluster import kube, standins
from tests.cluster.building import populate
from tests.cluster.kills import DELETED, KILLED, WAYS, replaced
from tests.cluster.kube import Namespace, Pod, lacking
from tests.cluster.leftovers import left
from tests.cluster.standins import PORTS, StandIns
from tests.faults.schedule import Fault, plan


def _pod(name: str = "mandat-linking-api-1", restarts: int = 0, **metadata: Any) -> dict[str, Any]:
    labels = {"app.kubernetes.io/name": "linking", "app.kubernetes.io/component": "api"}
    return {
        "metadata": {"name": name, "labels": labels, **metadata},
        "spec": {"containers": [{"image": "mandat-linking:abc-ccq"}]},
        "status": {
            "conditions": [{"type": "Ready", "status": "True"}],
            "containerStatuses": [{"restartCount": restarts}],
        },
    }


def test_a_pod_that_is_being_deleted_is_not_ready() -> None:
    assert Pod.of(_pod()) == Pod("mandat-linking-api-1", "linking", "api", True, 0, "mandat-linking:abc-ccq")
    assert not Pod.of(_pod(deletionTimestamp="2026-11-28T18:30:00Z")).ready


@pytest.mark.parametrize(
    ("how", "after", "mended"),
    [
        (KILLED, [_pod(restarts=1)], True),
        (KILLED, [_pod(restarts=0)], False),
        (KILLED, [], False),
        (DELETED, [_pod("another")], True),
        (DELETED, [_pod(restarts=1)], False),
    ],
)
def test_a_kill_is_mended_by_another_container_and_a_deletion_by_another_pod(
    how: str, after: list[dict[str, Any]], mended: bool
) -> None:
    assert replaced(Fault(0.0, "linking-api", how, 0.0), Pod.of(_pod()), [Pod.of(seen) for seen in after]) == mended


def test_three_minutes_are_enough_to_break_everything_once() -> None:
    planned = plan(1, 180.0, WAYS, (2.0, 6.0))
    assert {(fault.target, fault.how) for fault in planned} == {(way.target, way.how) for way in WAYS}


def test_what_is_lacking_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert lacking() == [f"no {name} on the path" for name in ("git", "docker", "kubectl", "helm")]
    for name in ("git", "docker", "kubectl", "helm"):
        (tmp_path / name).write_text("#!/bin/sh\nexit 1\n")
        (tmp_path / name).chmod(0o755)
    assert lacking() == ["no Docker daemon answers", "no cluster answers kubectl"]
    (tmp_path / "docker").write_text("#!/bin/sh\n")
    (tmp_path / "kubectl").write_text('#!/bin/sh\ncase "$*" in *httproutes*) exit 1;; esac\n')
    assert lacking() == ["the cluster knows no HTTPRoutes (Gateway API's CustomResourceDefinitions)"]


def test_stand_ins_are_as_restricted_as_the_platform(monkeypatch: pytest.MonkeyPatch) -> None:
    applied: list[dict[str, Any]] = []

    def run(command: list[str], *, stdin: str | None = None, patience: float = 0) -> str:
        if stdin:
            applied.extend(json.loads(stdin)["items"])
        return json.dumps({"items": []}) if "json" in command else "10.0.0.1"

    async def made(clients: Clients, wanted: Wanted) -> None:
        assert (clients.servers, wanted) == ("10.0.0.1:9092", Wanted())

    monkeypatch.setattr(kube, "run", run)
    monkeypatch.setattr(standins, "make_topics", made)
    monkeypatch.setattr(StandIns, "ready", lambda self: True)
    StandIns(Namespace("trial"), "stand-ins:1", "ccq").start(1.0)
    pods = [one for one in applied if one["kind"] == "Pod"]
    assert {pod["metadata"]["name"] for pod in pods} == set(PORTS)
    for pod in pods:
        spec, container = pod["spec"], pod["spec"]["containers"][0]
        assert spec["securityContext"]["runAsNonRoot"] and not spec["automountServiceAccountToken"]
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }


def test_what_was_there_before_is_not_left_behind() -> None:
    assert left({"secret/ours"}, {"secret/ours", "job/mandat-migrate"}) == ["job/mandat-migrate"]


def test_an_agency_for_a_load_is_still_a_good_agency(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "agencies" / "ccq", tmp_path / "agencies" / "ccq")
    populate(tmp_path, "ccq", 2)
    agency = load(tmp_path / "agencies" / "ccq")
    assert agency.profile.code == "ccq"
    assert (tmp_path / "agencies/ccq/demo/organizations.ndjson").read_text().count("FIRME") == 2
