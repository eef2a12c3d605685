"""What an agency has and a trial lacks, as pods of one image made of local/: Kafka, PostgreSQL, an inbox with a demo
issuer, and the mail host of the fault harness. Each is as restricted as the platform's own pods.

Kafka and PostgreSQL keep their data in an emptyDir: it outlives their processes, not their pods. So they are killed by
their process, which ends the container, and never by deleting the pod.
"""

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from chassis.kafka import Clients
from chassis.topics import Wanted
from chassis.topics import make as make_topics
from local.postgres import role_password
from tests.cluster.kube import Namespace, Object
from tests.cluster.server import GUARDED_PORT, KAFKA_PORT, POSTGRES_PORT

SMTP_PORT, PAGE_PORT, CONTROL_PORT = 8025, 8026, 8027
PORTS: Mapping[str, Sequence[int]] = {
    "kafka": (KAFKA_PORT, GUARDED_PORT),
    "postgres": (POSTGRES_PORT,),
    "outside": (PAGE_PORT, SMTP_PORT),
    "mail-host": (CONTROL_PORT, SMTP_PORT),
}
"""Of each, where it is asked whether it is ready, first."""

PROCESS = {"kafka": "kafka.Kafka", "postgres": "bin/postgres"}
"""What stands in the command line of the process that is killed."""

RESTRICTED = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}
USER = {"runAsNonRoot": True, "runAsUser": 10001, "runAsGroup": 10001, "fsGroup": 10001}
MEMORY = {"kafka": "1Gi", "postgres": "2Gi", "outside": "256Mi", "mail-host": "512Mi"}


@dataclass(frozen=True)
class StandIns:
    """Those of one namespace. `agency` is whose mails the inbox previews."""

    namespace: Namespace
    image: str
    agency: str
    password: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    _addresses: dict[str, str] = field(default_factory=dict)

    def start(self, patience: float) -> None:
        """Makes them, and returns when each answers. Raises Problem."""
        self.namespace.apply(secret("postgres-superuser", {"password": self.password}))
        self.namespace.apply(*(_service(name) for name in PORTS))
        self.namespace.apply(*(self._pod(name) for name in PORTS))
        self.namespace.until(self.ready, "Kafka, PostgreSQL and the mail hosts are ready", patience)
        asyncio.run(make_topics(Clients(self.address("kafka", KAFKA_PORT)), Wanted()))

    def ready(self) -> bool:
        """Whether each answers."""
        pods = self.namespace.pods("part-of=stand-ins")
        return len(pods) == len(PORTS) and all(pod.ready for pod in pods)

    def kill(self, server: str) -> None:
        """Ends Kafka's or PostgreSQL's process as kill -9 does; its container ends with it, and is started again."""
        script = (
            "import os,signal\n"
            "for pid in filter(str.isdigit, os.listdir('/proc')):\n"
            "    try: line = open(f'/proc/{pid}/cmdline').read().split('\\0')\n"
            "    except OSError: continue\n"
            f"    if pid != '1' and int(pid) != os.getpid() and any({PROCESS[server]!r} in part for part in line):\n"
            "        os.kill(int(pid), signal.SIGKILL)\n"
        )
        self.namespace.exec(server, "python", "-c", script)

    def address(self, name: str, port: int) -> str:
        """host:port, for whoever is in the cluster or reaches its Services' addresses."""
        if name not in self._addresses:
            self._addresses[name] = self.namespace.address(name)
        return f"{self._addresses[name]}:{port}"

    def role_password(self, service: str) -> str:
        """With which a service signs in to its database."""
        return role_password(self.password, service)

    def kafka_password(self, service: str) -> str:
        """With which a service signs in to the guarded door of Kafka."""
        return self.namespace.exec("kafka", "cat", f"/data/{service}.password")

    def kafka_authority(self) -> str:
        """The certificate by which that door is known."""
        return self.namespace.exec("kafka", "cat", "/data/authority.pem")

    def database(self, service: str) -> str:
        """postgresql://… of a service's database."""
        at = self.address("postgres", POSTGRES_PORT)
        return f"postgresql://{service}:{self.role_password(service)}@{at}/{service}"

    def _command(self, name: str) -> list[str]:
        here = self.namespace.address(name)
        match name:
            case "kafka":
                return ["tests.cluster.server", "kafka", "--folder", "/data", "--address", here]
            case "postgres":
                password = ["--password-file", "/secrets/password"]
                return ["tests.cluster.server", "postgres", "--folder", "/data", "--address", here, *password]
            case "outside":
                ports = ["--smtp-port", str(SMTP_PORT), "--page-port", str(PAGE_PORT)]
                return ["local.outside", *ports, "--agency", f"agencies/{self.agency}", "--name", here]
            case _:
                ports = ["--smtp-port", str(SMTP_PORT), "--control-port", str(CONTROL_PORT)]
                return ["tests.faults.mail_host", *ports, "--host", "0.0.0.0"]

    def _pod(self, name: str) -> Object:
        volumes: list[dict[str, Any]] = [{"name": "data", "emptyDir": {}}, {"name": "tmp", "emptyDir": {}}]
        mounts = [{"name": "data", "mountPath": "/data"}, {"name": "tmp", "mountPath": "/tmp"}]
        if name == "postgres":
            volumes.append({"name": "secrets", "secret": {"secretName": "postgres-superuser"}})
            mounts.append({"name": "secrets", "mountPath": "/secrets"})
        container = {
            "name": name,
            "image": self.image,
            "imagePullPolicy": "IfNotPresent",
            "command": ["python", "-m", *self._command(name)],
            "ports": [{"containerPort": port} for port in PORTS[name]],
            "readinessProbe": {"tcpSocket": {"port": PORTS[name][0]}, "periodSeconds": 2},
            "resources": {"requests": {"cpu": "50m", "memory": "128Mi"}, "limits": {"memory": MEMORY[name]}},
            "securityContext": RESTRICTED,
            "volumeMounts": mounts,
        }
        return {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "labels": {"part-of": "stand-ins", "stand-in": name}},
            "spec": {
                "automountServiceAccountToken": False,
                "enableServiceLinks": False,
                "terminationGracePeriodSeconds": 15,
                "securityContext": {**USER, "seccompProfile": {"type": "RuntimeDefault"}},
                "containers": [container],
                "volumes": volumes,
            },
        }


def _service(name: str) -> Object:
    ports = [{"name": f"port-{port}", "port": port} for port in PORTS[name]]
    labels = {"part-of": "stand-ins"}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "labels": labels},
        "spec": {"selector": {"stand-in": name}, "ports": ports, "publishNotReadyAddresses": True},
    }


def secret(name: str, content: Mapping[str, str]) -> Object:
    """A Secret of texts."""
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": dict(content)}
