"""kubectl and helm, as an operator types them: one namespace of the cluster that the machine's kubeconfig names."""

import json
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from local import Problem

LOOK_EVERY = 0.5
Object = Mapping[str, Any]


def run(command: Sequence[str], *, stdin: str | None = None, patience: float = 600.0) -> str:
    """What a program prints. Raises Problem with the end of what it says when it fails, or is not done in time."""
    what = " ".join(command[:4])
    try:
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False, timeout=patience)
    except FileNotFoundError:
        raise Problem(f"There is no {command[0]} on this machine's path.") from None
    except subprocess.TimeoutExpired:
        raise Problem(f"{what} … was not done after {patience:.0f} s.") from None
    if done.returncode != 0:
        raise Problem(f"{what} … failed: {(done.stderr.strip() or done.stdout.strip())[-1500:]}")
    return done.stdout


@dataclass(frozen=True)
class Pod:
    """One pod, as it was seen."""

    name: str
    service: str
    role: str
    ready: bool
    restarts: int
    image: str

    @classmethod
    def of(cls, seen: Object) -> "Pod":
        """From what the cluster says."""
        labels, status = seen["metadata"].get("labels", {}), seen.get("status", {})
        conditions = {one["type"]: one["status"] for one in status.get("conditions", ())}
        return cls(
            seen["metadata"]["name"],
            labels.get("app.kubernetes.io/name", ""),
            labels.get("app.kubernetes.io/component", ""),
            conditions.get("Ready") == "True" and "deletionTimestamp" not in seen["metadata"],
            sum(one["restartCount"] for one in status.get("containerStatuses", ())),
            seen["spec"]["containers"][0]["image"],
        )


@dataclass(frozen=True)
class Namespace:
    """One namespace. Every method blocks, and raises Problem when the cluster refuses."""

    name: str

    def make(self) -> None:
        """Makes it anew, with Pod Security "restricted" enforced."""
        self.remove()
        levels = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "warn", "audit")}
        made = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.name, "labels": levels}}
        self.apply(made)

    def remove(self) -> None:
        """Removes it and all that is in it; returns when it is gone."""
        run(["kubectl", "delete", "namespace", self.name, "--ignore-not-found", "--wait", "--timeout=300s"])

    def kubectl(self, *arguments: str, stdin: str | None = None, patience: float = 600.0) -> str:
        """What a command of kubectl prints, for this namespace."""
        return run(["kubectl", "--namespace", self.name, *arguments], stdin=stdin, patience=patience)

    def apply(self, *objects: Object) -> None:
        """Makes or changes objects."""
        wrapped = {"apiVersion": "v1", "kind": "List", "items": list(objects)}
        self.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=json.dumps(wrapped))

    def objects(self, kind: str, selector: str = "") -> list[dict[str, Any]]:
        """All objects of a kind, or those with labels."""
        found = json.loads(self.kubectl("get", kind, "-o", "json", *(["-l", selector] if selector else [])))
        items: list[dict[str, Any]] = found["items"]
        return items

    def pods(self, selector: str = "") -> list[Pod]:
        """All pods, or those with labels."""
        return [Pod.of(seen) for seen in self.objects("pods", selector)]

    def address(self, service: str) -> str:
        """The cluster's address of a Service, the same as long as it stands."""
        return self.kubectl("get", "service", service, "-o", "jsonpath={.spec.clusterIP}")

    def exec(self, pod: str, *command: str, stdin: str | None = None, patience: float = 600.0) -> str:
        """What a command prints in a pod's first container."""
        options = ["-i"] if stdin is not None else []
        return self.kubectl("exec", *options, pod, "--", *command, stdin=stdin, patience=patience)

    def until(self, ready: Callable[[], bool], what: str, patience: float) -> None:
        """Returns when something is true; raises Problem, with the pods that are not ready, when patience ends."""
        deadline = time.monotonic() + patience
        while not ready():
            if time.monotonic() > deadline:
                raise Problem(f"{what}: not after {patience:.0f} s.\n{self.troubles()}")
            time.sleep(LOOK_EVERY)

    def troubles(self) -> str:
        """What an operator would look at: pods that are not ready, the end of their logs, the latest warnings."""
        said = []
        for pod in self.pods():
            if not pod.ready and "migrate" not in pod.name:
                log = subprocess.run(
                    ["kubectl", "-n", self.name, "logs", pod.name, "--tail=8"],
                    capture_output=True, text=True, check=False,
                )  # fmt: skip
                said.append(f"{pod.name} is not ready:\n{(log.stdout + log.stderr)[-1500:]}")
        events = self.kubectl("get", "events", "--field-selector=type=Warning", "-o", "custom-columns=M:.message")
        return "\n".join([*said, *events.strip().splitlines()[-8:]])


@dataclass(frozen=True)
class Helm:
    """One release in one namespace."""

    namespace: str
    release: str

    def install(self, chart: str, values: str, patience: float) -> None:
        """Installs, and waits until everything is ready. `values` is the path of a file. Raises Problem."""
        self._run("install", self.release, chart, "--values", values, "--wait", "--wait-for-jobs", patience=patience)

    def upgrade(self, chart: str, values: str, patience: float) -> None:
        """Replaces the release, and waits until everything new is ready and the old gone. Raises Problem."""
        self._run("upgrade", self.release, chart, "--values", values, "--wait", patience=patience)

    def rollback(self, revision: int, patience: float) -> None:
        """Brings a revision back, and waits for it. Raises Problem."""
        self._run("rollback", self.release, str(revision), "--wait", patience=patience)

    def uninstall(self, patience: float) -> None:
        """Removes the release, and waits until what it made is gone. Raises Problem."""
        self._run("uninstall", self.release, "--wait", patience=patience)

    def revision(self) -> int:
        """The number of the revision that was deployed last."""
        found = json.loads(run(["helm", "history", self.release, "-n", self.namespace, "-o", "json"]))
        return max(int(one["revision"]) for one in found if one["status"] == "deployed")

    def manifest(self) -> str:
        """What the release consists of, hooks apart."""
        return run(["helm", "get", "manifest", self.release, "-n", self.namespace])

    def _run(self, verb: str, *arguments: str, patience: float) -> None:
        run(
            ["helm", verb, "-n", self.namespace, "--timeout", f"{patience:.0f}s", *arguments],
            patience=patience + 60,
        )


def lacking() -> list[str]:
    """What this machine, or its cluster, lacks for the command, each in a sentence."""
    found = [f"no {name} on the path" for name in ("git", "docker", "kubectl", "helm") if shutil.which(name) is None]
    for name, command in {
        "no Docker daemon answers": ["docker", "version"],
        "no cluster answers kubectl": ["kubectl", "get", "--raw", "/readyz", "--request-timeout=10s"],
    }.items():
        if shutil.which(command[0]) is not None:
            try:
                run(command, patience=30)
            except Problem:
                found.append(name)
    if not found:
        try:
            run(["kubectl", "get", "customresourcedefinition", "httproutes.gateway.networking.k8s.io"], patience=30)
        except Problem:
            found.append("the cluster knows no HTTPRoutes (Gateway API's CustomResourceDefinitions)")
    return found


def versions() -> dict[str, str]:
    """Of the cluster and of what talks to it."""
    kubernetes = json.loads(run(["kubectl", "version", "-o", "json"]))
    node = json.loads(run(["kubectl", "get", "nodes", "-o", "json"]))["items"]
    system = node[0]["status"]["nodeInfo"]
    size = node[0]["status"]["capacity"]
    return {
        "Kubernetes": kubernetes["serverVersion"]["gitVersion"],
        "nodes": f"{len(node)}; the first has {size['cpu']} cores and {_gibibytes(size['memory'])} GiB,"
        f" {system['containerRuntimeVersion'].replace('://', ' ')}",
        "kubectl": kubernetes["clientVersion"]["gitVersion"],
        "Helm": run(["helm", "version", "--template", "{{.Version}}"]).strip(),
        "Docker": run(["docker", "version", "--format", "{{.Server.Version}}"]).strip(),
    }


def _gibibytes(memory: str) -> int:
    return round(int(memory.removesuffix("Ki")) / 1024**2)
