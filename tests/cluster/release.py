"""A release of the chart beside stand-ins: what the journey is played on, and what is loaded and broken."""

import asyncio
import hashlib
import secrets
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from chassis import keys
from chassis.kafka import Clients
from chassis.keys import Keyring
from local import ROOT, Problem
from local.issuer import AUDIENCE
from local.ports import SERVICES
from tests.cluster.kube import Helm, Pod
from tests.cluster.server import GUARDED_PORT, KAFKA_PORT, POSTGRES_PORT
from tests.cluster.standins import CONTROL_PORT, PAGE_PORT, SMTP_PORT, StandIns, secret
from tests.faults.ground import Ground
from tests.faults.population import Population

RELEASE = "mandat"
OURS = f"app.kubernetes.io/instance={RELEASE}"
HOST = "mandat.example.org"
MACHINE = "cluster-test"
CHART = "deploy/helm/mandat"
ROLES = ("api", "worker", "all")

SMALL = {"requests": {"cpu": "20m", "memory": "96Mi"}}
"""What the pods ask of a node that has little, and others on it; their limits stay the chart's."""


IMPORT = """
import runpy, sys, tempfile
with tempfile.NamedTemporaryFile("w", encoding="utf-8") as file:
    file.write(sys.stdin.read())
    file.flush()
    service, sys.argv[1:] = sys.argv[1], ["import", file.name]
    runpy.run_module(f"services.{service}", run_name="__main__", alter_sys=True)
"""
"""Has a service import what comes by standard input: the command takes files, and pods have none of ours."""


class Release:
    """The chart in one namespace, at the images of one commit (`tag`) for one agency, in one shape.

    `tree` is the commit's laid-out files, whose chart is installed. `mails` is which of the stand-ins takes the mails.
    `folder` is for what this machine keeps: keys, values. Methods block, and raise Problem.
    """

    def __init__(
        self, stand_ins: StandIns, tree: Path, tag: str, *, shape: str, mails: str, folder: Path, patience: float
    ) -> None:
        self.stand_ins, self.namespace = stand_ins, stand_ins.namespace
        self.tree, self.tag, self.patience = tree, tag, patience
        self.agency_folder = tree / "agencies" / stand_ins.agency
        self.helm = Helm(self.namespace.name, RELEASE)
        self._shape, self._mails, self.folder = shape, mails, folder
        self._machine_secret = secrets.token_urlsafe(32)
        self._addresses: dict[str, str] = {}

    def prepare(self) -> None:
        """Makes the keys by the services' own command, and the Secrets and the ConfigMap that the values name."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        made = []
        for service in SERVICES:
            self._keyring(service).unlink(missing_ok=True)
            self._keys(service, "new", str(self._keyring(service)))
            made.append(secret(f"mandat-{service}-keyring", {"keyring.json": self._keyring(service).read_text()}))
            made.append(secret(f"mandat-{service}-database", {"password": self.stand_ins.role_password(service)}))
            made.append(secret(f"mandat-{service}-kafka", {"password": self.stand_ins.kafka_password(service)}))
        made.append(secret("kafka-authority", {"ca.crt": self.stand_ins.kafka_authority()}))
        public = self._keys("accounts", "public", *(str(self._keyring(service)) for service in SERVICES))
        sealing = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "mandat-sealing-keys"}}
        self.namespace.apply(*made, {**sealing, "data": {"sealing.json": public}})

    def install(self) -> None:
        """`helm install`; returns when everything is ready."""
        self.helm.install(str(self.tree / CHART), self._values(), self.patience)

    def upgrade(self, tree: Path, tag: str) -> None:
        """`helm upgrade` to another commit's chart and images; returns when everything is new."""
        before = self.tree, self.tag
        self.tree, self.tag = tree, tag
        try:
            self.helm.upgrade(str(self.tree / CHART), self._values(), self.patience)
        except Problem:
            self.tree, self.tag = before
            raise

    def routes(self) -> list[dict[str, Any]]:
        """The HTTPRoutes, as the release has them."""
        return [one for one in yaml.safe_load_all(self.helm.manifest()) if one and one["kind"] == "HTTPRoute"]

    def pods(self, service: str | None = None, role: str | None = None) -> list[Pod]:
        """The services' pods, or those of one service or role."""
        return [
            pod
            for pod in self.namespace.pods(OURS)
            if pod.role in ROLES and service in (None, pod.service) and role in (None, pod.role)
        ]

    def images(self) -> set[str]:
        """The tags of the images that run."""
        return {pod.image.rpartition(":")[2] for pod in self.pods()}

    def whole(self) -> bool:
        """Whether every pod of the services is ready, and as many as are wanted."""
        wanted = sum(one["spec"]["replicas"] for one in self.namespace.objects("deployments", OURS))
        pods = self.pods()
        return len(pods) == wanted and all(pod.ready for pod in pods)

    def gateway(self, service: str) -> str:
        """Base URL of a service's Service."""
        if service not in self._addresses:
            self._addresses[service] = self.namespace.address(f"{RELEASE}-{service}")
        return f"http://{self._addresses[service]}"

    @property
    def inbox(self) -> str:
        """Base URL of the inbox."""
        return f"http://{self.stand_ins.address('outside', PAGE_PORT)}"

    @property
    def demo_issuer(self) -> str:
        """Base URL, and `iss`, of the issuer of demo agents' tokens."""
        return f"{self.inbox}/demo-issuer"

    @property
    def machine(self) -> tuple[str, str]:
        """client_id and secret of the machine client."""
        return MACHINE, self._machine_secret

    @property
    def kafka_clients(self) -> Clients:
        """Who may read and write every topic."""
        return Clients(self.stand_ins.address("kafka", KAFKA_PORT))

    async def run(self, service: str, *arguments: str) -> str:
        """What one of a service's commands says, run in one of its pods. Raises Problem when it fails."""
        return await asyncio.to_thread(self.command, service, *arguments)

    def command(self, service: str, *arguments: str) -> str:
        """The same, for who may block."""
        return self.namespace.exec(self._pod(service), "python", "-m", f"services.{service}", *arguments)

    def bring_file_in(self, service: str, content: str) -> None:
        """Has a service import a file of this content, in one of its pods."""
        self.namespace.exec(self._pod(service), "python", "-c", IMPORT, service, stdin=content)

    def _pod(self, service: str) -> str:
        pod = next((pod for pod in self.pods(service) if pod.ready), None)
        if pod is None:
            raise Problem(f"No pod of {service} is ready.")
        return pod.name

    def import_demo_data(self) -> None:
        """Brings the agency's demo data in, by the services' own commands in their pods."""
        for service, name in (("authorizations", "organizations"), ("linking", "former-credentials")):
            file = self.agency_folder / "demo" / f"{name}.ndjson"
            if file.exists():
                self.bring_file_in(service, file.read_text(encoding="utf-8"))

    def _keyring(self, service: str) -> Path:
        return self.folder / f"{service}.json"

    def _keys(self, service: str, *arguments: str) -> str:
        command = [sys.executable, "-m", f"services.{service}", "keys", *arguments]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Problem(f"keys {arguments[0]} failed: {done.stderr[-500:]}")
        return done.stdout

    def _values(self) -> str:
        file = self.folder / "values.yaml"
        file.write_text(yaml.safe_dump(self.values(), allow_unicode=True), encoding="utf-8")
        return str(file)

    def values(self) -> Mapping[str, Any]:
        """What the chart is told, besides its defaults."""
        digest = hashlib.sha256(self._machine_secret.encode()).hexdigest()
        issuer = {"issuer": self.demo_issuer, "jwks_uri": f"{self.demo_issuer}/jwks.json", "audience": AUDIENCE}
        small: dict[str, dict[str, Any]] = {part: {"resources": SMALL} for part in ("api", "worker", "whole")}
        services = {service: {**small, "worker": {**small["worker"], "replicas": 1}} for service in SERVICES}
        services["authorizations"] = small  # with two workers groups are rebalanced, and shards taken over
        return {
            "shape": self._shape,
            "image": {"tag": self.tag},
            "hosts": [HOST],
            "demoAgentIssuers": [issuer],
            "machines": [{"client_id": MACHINE, "secret_digest": digest, "scopes": ["access:evaluate"]}],
            "kafka": {
                "servers": self.stand_ins.address("kafka", GUARDED_PORT),
                "authentication": "scram-sha-512",
                "tls": {"enabled": True, "ca": {"secret": "kafka-authority"}},
                "createTopics": False,
            },
            "postgres": {
                "external": {"host": self.namespace.address("postgres"), "port": POSTGRES_PORT},
                "tls": {"mode": "disable"},
            },
            "smtp": {"hosts": [self.stand_ins.address(self._mails, SMTP_PORT)], "tls": "none"},
            "networkPolicies": {
                "kafka": {"ports": [GUARDED_PORT]},
                "smtp": {"ports": [SMTP_PORT]},
                "issuers": {"ports": [PAGE_PORT]},
            },
            "gateway": {"parentRefs": [{"name": "public"}]},
            "services": services,
        }


class BehindTheDoor(Release):
    """The same release, whose gateways are all reached at one public address."""

    door: str

    def gateway(self, service: str) -> str:
        """The public address, whichever service is meant: its routes must lead there."""
        return self.door


class LoadedRelease(Release, Ground):
    """A release whose images hold an agency for a load; its population was imported."""

    def __init__(self, stand_ins: StandIns, tree: Path, tag: str, size: int, folder: Path, patience: float) -> None:
        super().__init__(stand_ins, tree, tag, shape="split", mails="mail-host", folder=folder, patience=patience)
        self.population = Population.of(self.agency_folder, size)

    @property
    def control(self) -> str:
        """Base URL of the mail host's control."""
        return f"http://{self.stand_ins.address('mail-host', CONTROL_PORT)}"

    def database(self, service: str) -> str:
        """postgresql://… of a service's database."""
        return self.stand_ins.database(service)

    def keyring(self, service: str) -> Keyring:
        """A service's private keys."""
        return keys.read(self._keyring(service))

    def bring_in(self, number: str, trade_name: str) -> None:
        """Runs the import of an organization that has a new trade name. Raises Problem unless the command says so."""
        self.bring_file_in("authorizations", self.population.renamed(number, trade_name))

    async def begin_day(self) -> None:
        """As everywhere; here, digests are looked for every some minutes, so a worker is told to look now."""
        await super().begin_day()
        await asyncio.to_thread(self.hurry)

    def hurry(self) -> None:
        """Lets authorizations' workers look now for what they look for every some minutes: they do as they start."""
        for pod in self.pods("authorizations", "worker"):
            self.namespace.kubectl("delete", "pod", pod.name, "--wait=false")
        self.namespace.until(self.whole, "authorizations' workers are back", self.patience)
