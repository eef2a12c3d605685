"""The stack that is broken: api and workers apart, limits that let a load through, the harness's mail host."""

import shutil
import sys
from pathlib import Path

from chassis import keys
from chassis.keys import Keyring
from local import ROOT
from local.child import answers
from local.ports import SERVICES, Ports, free_ports
from local.processes import undisturbed
from local.stack import READY_TIMEOUT, Member, Stack
from tests.faults.ground import Ground
from tests.faults.offers import AGENCIES
from tests.faults.population import Population, let_through

MEMBERS = (
    *(Member(service, "api") for service in SERVICES),
    *(Member(service, "worker") for service in SERVICES),
    Member("authorizations", "worker", 2),  # so that groups are rebalanced and shards taken over
)

MODULES = {"authorizations": "tests.faults.small_portions"}
"""Service → what runs in its place: the same, in smaller portions."""


class Embedded(Stack, Ground):
    """A stack of one agency on free ports, whose data stand in `folder`; so many firms, and organizations to claim, are
    imported at its start.

    `code_minutes` is how long a one-time code is good: short, and mail outages make codes expire.
    """

    def __init__(self, folder: Path, agency: str, size: int, code_minutes: int) -> None:
        super().__init__(agency, folder / "data", Ports.free(), folder / "logs", lambda _: None, MEMBERS, MODULES)
        self._inbox_port, self._control_port = free_ports(2)
        self.agency_folder = folder / "agencies" / agency
        shutil.copytree(AGENCIES / agency, self.agency_folder)
        let_through(self.agency_folder, code_minutes)
        self.population = Population.of(self.agency_folder, size)
        for demo in (self.agency_folder / "demo").glob("*.ndjson"):
            demo.unlink()  # of people who are not in this load
        for name, text in self.population.files().items():
            (self.agency_folder / "demo" / f"{name}.ndjson").write_text(text, encoding="utf-8")

    @property
    def control(self) -> str:
        """Base URL of the mail host's control."""
        return f"http://127.0.0.1:{self._control_port}"

    def database(self, service: str) -> str:
        """postgresql://… of a service's database."""
        return self.postgres.url(service)

    def keyring(self, service: str) -> Keyring:
        """A service's private keys."""
        return keys.read(self.keyrings.private(service))

    def bring_in(self, number: str, trade_name: str) -> None:
        """Runs the import of an organization that has a new trade name. Raises Problem unless the command says so."""
        file = self.folder / f"import-{number}.ndjson"
        file.write_text(self.population.renamed(number, trade_name), encoding="utf-8")
        command = [sys.executable, "-m", "services.authorizations", "import", str(file)]
        told, log = self.environment("authorizations"), self.logs / "import.log"
        self.processes.run("The import", command, log, env=told, cwd=ROOT)

    def stop(self) -> None:
        """Ends everything at once: what was to be read has been read."""
        with undisturbed():
            for member in self.members:
                if (child := self._running.get(member)) is not None:
                    self.processes.kill(child)
            self.kafka.kill()
        super().stop()

    def _start_outside(self) -> None:
        self._start_inbox(self._inbox_port)
        ports = ["--smtp-port", str(self.ports.smtp), "--control-port", str(self._control_port)]
        command = [sys.executable, "-m", "tests.faults.mail_host", *ports]
        child = self.processes.start("The mail host", command, self.logs / "mail-host.log", cwd=ROOT)
        child.wait_until(lambda: answers(f"{self.control}/broken"), READY_TIMEOUT)
