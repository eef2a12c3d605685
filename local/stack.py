"""The whole stack on one machine: what is started, in which order, and what each service is told."""

import asyncio
import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from chassis.kafka import Clients
from chassis.topics import Wanted
from chassis.topics import make as make_topics
from local import ROOT, Problem, jars
from local.child import Child, answers
from local.guarded import GuardedKafka
from local.issuer import AUDIENCE
from local.kafka import Kafka
from local.keyrings import MACHINE_ID, Keyrings
from local.logs import FOLDER as LOGS
from local.ports import SERVICES, Ports, free_ports
from local.postgres import Postgres
from local.processes import Processes, undisturbed

NEEDED_BYTES = 1_000_000_000
"""Free disk for data and logs, with room to spare: on a full disk, databases fail in obscure ways."""

READY_TIMEOUT = 180.0
"""Seconds; about 3 on an idle machine, and a minute was seen where thirty others wanted its two cores."""


@dataclass(frozen=True)
class Member:
    """One process of a service: its role (api, worker, or all), and a number where several have the same."""

    service: str
    role: str = "all"
    number: int = 1

    @property
    def name(self) -> str:
        """As logs are named after it: accounts, accounts-api, accounts-worker-2."""
        role = () if self.role == "all" else (self.role,)
        number = () if self.number == 1 else (str(self.number),)
        return "-".join((self.service, *role, *number))


WHOLE = tuple(Member(service) for service in SERVICES)
"""Each service in one process."""


@dataclass
class Stack:
    """The stack of one agency, with its data in `folder`. `with Stack(…) as stack:` starts and stops it.

    `say` takes the lines that tell how far it is. `members` are the processes of the services; of each service, the
    first that is named answers at `operations(service)`. `modules` names another module to run for a service. Where it
    is `guarded`, each service signs in to Kafka, and is allowed there what the contracts name.
    """

    agency: str
    folder: Path
    ports: Ports = field(default_factory=Ports)
    logs: Path = LOGS
    say: Callable[[str], None] = print
    members: Sequence[Member] = WHOLE
    modules: Mapping[str, str] = field(default_factory=dict)
    guarded: bool = False
    processes: Processes = field(default_factory=Processes)
    _running: dict[Member, Child] = field(default_factory=dict)

    def __post_init__(self) -> None:
        ports, logs, processes = self.ports, self.logs, self.processes
        first = {member.service: member for member in reversed(self.members)}
        others = [member for member in self.members if member not in first.values()]
        self._operations = {member: ports.operations(service) for service, member in first.items()}
        self._operations |= dict(zip(others, free_ports(len(others)), strict=True))
        self.agency_folder = ROOT / "agencies" / self.agency
        self.keyrings = Keyrings(self.folder / "keys")
        self.postgres = Postgres(self.folder / "postgres", ports.postgres, logs / "postgres.log", processes=processes)
        kind = GuardedKafka if self.guarded else Kafka
        self.kafka = kind(self.folder / "kafka", ports.kafka, ports.kafka_controller, logs / "kafka.log", processes)

    def gateway(self, service: str) -> str:
        """Base URL of a service's public HTTP interface."""
        return f"http://127.0.0.1:{self.ports.gateway(service)}"

    def operations(self, service: str) -> str:
        """Base URL of a service's /livez, /readyz, /metrics."""
        return f"http://127.0.0.1:{self.ports.operations(service)}"

    @property
    def inbox(self) -> str:
        """Base URL of the mail inbox: a page for people, /mails for programs."""
        return f"http://127.0.0.1:{self.ports.outside}"

    @property
    def demo_issuer(self) -> str:
        """Base URL, and `iss`, of the issuer of demo agents' tokens."""
        return f"{self.inbox}/demo-issuer"

    @property
    def machine(self) -> tuple[str, str]:
        """client_id and secret of the machine client that may ask for access decisions."""
        return MACHINE_ID, self.keyrings.machine_secret_file.read_text()

    @property
    def kafka_clients(self) -> Clients:
        """Who may read and write every topic."""
        return Clients(self.kafka.servers)

    async def run(self, service: str, *arguments: str) -> str:
        """Runs one of a service's commands beside the stack. Returns what it said; raises Problem when it failed."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", f"services.{service}", *arguments,
            env={**os.environ, **self.environment(service)}, cwd=ROOT,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        said, complained = await process.communicate()
        if process.returncode:
            raise Problem(f"{service} {' '.join(arguments)} failed: {(said + complained).decode()[-500:]}")
        return said.decode()

    def start(self) -> None:
        """Starts everything and returns when every service is ready.

        When anything fails, stops all and raises Problem.
        """
        self.ports.check()
        _check_disk(self.folder)
        shutil.rmtree(self.logs, ignore_errors=True)
        try:
            with self._step("Kafka's jars"):
                jars.class_path()
            self.keyrings.make()
            self._together(self._start_kafka, self._start_databases, self._start_outside)
            self._together(*(self._starter(member) for member in self.members), self._import_demo_data)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stops the services, all at once because each may drain, then what they stand on, the last first."""
        with undisturbed():
            self.processes.stop(*self._running.values())
            self.processes.stop_all()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def launch(self, member: Member) -> Child:
        """Starts one process of a service, or starts it again, without waiting until it is ready."""
        module = self.modules.get(member.service, f"services.{member.service}")
        command = [sys.executable, "-m", module, member.role]
        told = self.environment(member.service) | {"MANDAT_OPERATIONS_PORT": str(self._operations[member])}
        child = self.processes.start(member.name, command, self.logs / f"{member.name}.log", env=told, cwd=ROOT)
        self._running[member] = child
        return child

    def start_again(self, member: Member) -> None:
        """Stops one process of a service and starts it anew; returns when it is ready. Raises Problem."""
        self.processes.stop(self.child(member))
        self._starter(member)()

    def child(self, member: Member) -> Child:
        """The process of a member that was launched, running or not."""
        return self._running[member]

    def environment(self, service: str) -> dict[str, str]:
        """Everything that a service is told. This is the contract with chassis/settings.py."""
        issuer = {
            "issuer": self.demo_issuer,
            "jwks_uri": f"{self.demo_issuer}/jwks.json",
            "audience": AUDIENCE,
        }
        told = {
            "MANDAT_AGENCY": str(self.agency_folder),
            "MANDAT_DATABASE_URL": self.postgres.url(service),
            "MANDAT_KAFKA_SERVERS": self.kafka.servers,
            "MANDAT_TOPIC_PREFIX": "",
            "MANDAT_GATEWAY_PORT": str(self.ports.gateway(service)),
            "MANDAT_OPERATIONS_PORT": str(self.ports.operations(service)),
            "MANDAT_KEYRING": str(self.keyrings.private(service)),
            "MANDAT_SEALING_KEYS": str(self.keyrings.public),
            "MANDAT_ISSUER_BASE": self.gateway("accounts"),
            "MANDAT_DEMO_AGENT_ISSUERS": json.dumps([issuer]),
            "PYTHONUNBUFFERED": "1",
        }
        if isinstance(self.kafka, GuardedKafka):
            told |= self.kafka.told(service)
        match service:
            case "notifications":
                told |= {
                    "MANDAT_SMTP_HOSTS": f"127.0.0.1:{self.ports.smtp}",
                    "MANDAT_BOUNCE_ADDRESS": "bounces@notifications.example",
                    "MANDAT_BOUNCE_PORT": str(self.ports.bounces),
                }
            case "accounts":
                told |= {"MANDAT_MACHINES": self.keyrings.machines()}
        return told

    def _start_kafka(self) -> None:
        with self._step("Kafka"):
            self.kafka.start()
            asyncio.run(make_topics(Clients(self.kafka.servers), Wanted()))
            if isinstance(self.kafka, GuardedKafka):
                asyncio.run(self.kafka.guard())

    def _start_databases(self) -> None:
        with self._step("PostgreSQL"):
            self.postgres.start()
            for service in SERVICES:
                self.postgres.create_database(service)
        with self._step("Migrations"):
            self._together(*(self._task(service, "migrate") for service in SERVICES))

    def _start_outside(self) -> None:
        self._start_inbox(self.ports.smtp)

    def _start_inbox(self, smtp_port: int) -> None:
        command = [sys.executable, "-m", "local.outside", "--folder", str(self.folder / "outside")]
        command += ["--agency", str(self.agency_folder)]
        ports = ["--smtp-port", str(smtp_port), "--page-port", str(self.ports.outside)]
        with self._step("Inbox"):
            child = self.processes.start("The inbox", [*command, *ports], self.logs / "outside.log", cwd=ROOT)
            child.wait_until(lambda: answers(f"{self.inbox}/mails"), READY_TIMEOUT)

    def _starter(self, member: Member) -> Callable[[], None]:
        ready = f"http://127.0.0.1:{self._operations[member]}/readyz"

        def start() -> None:
            with self._step(member.name):
                self.launch(member).wait_until(lambda: answers(ready), READY_TIMEOUT)

        return start

    def _task(self, service: str, *arguments: str) -> Callable[[], None]:
        """A run of one of the service's commands, to its end."""
        command = [sys.executable, "-m", f"services.{service}", *arguments]
        name, log = f"{service} {arguments[0]}", self.logs / f"{service}.log"
        return lambda: self.processes.run(name, command, log, env=self.environment(service), cwd=ROOT)

    def _import_demo_data(self) -> None:
        """Loads the agency's demo organizations and former credentials; an import knows what it has loaded before."""
        file = self.agency_folder / "demo" / "organizations.ndjson"
        if file.exists():
            with self._step("Demo data"):
                self._task("authorizations", "import", str(file))()
        former = self.agency_folder / "demo" / "former-credentials.ndjson"
        if former.exists():
            with self._step("Former credentials"):
                self._task("linking", "import", str(former))()

    def _together(self, *actions: Callable[[], None]) -> None:
        """Runs actions side by side.

        The first that fails, or Ctrl-C, stops every process and so the others.
        """
        with ThreadPoolExecutor(len(actions)) as threads:
            try:
                for done in as_completed([threads.submit(action) for action in actions]):
                    done.result()
            except BaseException:
                self.stop()
                raise

    @contextmanager
    def _step(self, what: str) -> Iterator[None]:
        began = time.monotonic()
        yield
        self.say(f"  {what:<19}{time.monotonic() - began:5.1f} s")


def _check_disk(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free // 1_000_000
    if free * 1_000_000 < NEEDED_BYTES:
        raise Problem(f"Only {free} MB of disk are free, and the stack needs about 1 GB. Free some first.")
