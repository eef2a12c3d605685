"""The stack that is broken: api and workers apart, limits that let a load through, the harness's mail host."""

import json
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml

from local import ROOT
from local.child import answers
from local.ports import SERVICES, Ports, free_ports
from local.processes import undisturbed
from local.stack import READY_TIMEOUT, Member, Stack
from tests.faults.mail_host import Mode

MEMBERS = (
    *(Member(service, "api") for service in SERVICES),
    *(Member(service, "worker") for service in SERVICES),
    Member("authorizations", "worker", 2),  # so that groups are rebalanced and shards taken over
)
FIRST_FIRM, FIRST_CLIENT = 5_100_000, 1_100_000
"""Numbers of made-up firms and of their clients, which the demo data do not use."""

PLENTY = {"count": 100_000, "per_seconds": 60}
"""In place of budgets: the whole load comes from one network, and people there repeat themselves."""


@dataclass(frozen=True)
class Firm:
    """One accounting firm, its client and its responsible person, as the agency's extract names them."""

    number: str
    client: str
    responsible: str


class Ground(Stack):
    """A stack on free ports whose data stand in `folder`; `firms` are imported at its start.

    `code_minutes` is how long a one-time code is good: short, and mail outages make codes expire.
    """

    def __init__(self, folder: Path, firms: int, code_minutes: int) -> None:
        super().__init__("ccq", folder / "data", Ports.free(), folder / "logs", lambda _: None, MEMBERS)
        self.firms = [
            Firm(str(FIRST_FIRM + number), str(FIRST_CLIENT + number), f"responsible-{number}@firm.example")
            for number in range(firms)
        ]
        self._code_minutes = code_minutes
        self._inbox_port, self._control_port = free_ports(2)
        self.agency_folder = folder / "agencies" / "ccq"
        self._make_agency(ROOT / "agencies" / "ccq")

    @property
    def control(self) -> str:
        """Base URL of the mail host's control."""
        return f"http://127.0.0.1:{self._control_port}"

    def set_mail_host(self, mode: Mode) -> None:
        """Changes how the mail host behaves."""
        httpx.put(f"{self.control}/mode/{mode}", trust_env=False, timeout=10).raise_for_status()

    def dropped(self) -> int:
        """How many mails the host took without saying so."""
        answer = httpx.get(f"{self.control}/dropped", trust_env=False, timeout=10).raise_for_status()
        return int(answer.text)

    def bring_in(self, firm: Firm, trade_name: str) -> None:
        """Runs the import of a firm that has a new trade name. Raises Problem unless the command says that it did."""
        *_, line = _extract(firm)
        line["organization"]["trade_names"] = [trade_name]
        file = self.folder / f"import-{firm.number}.ndjson"
        file.write_text(json.dumps(line, ensure_ascii=False) + "\n", encoding="utf-8")
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

    def _make_agency(self, model: Path) -> None:
        shutil.copytree(model, self.agency_folder)
        file = self.agency_folder / "limits.yaml"
        limits = yaml.safe_load(file.read_text(encoding="utf-8"))
        limits["one_time_code"] |= {"resend_after_seconds": 10, "minutes": self._code_minutes}
        limits["attempts"] |= {name: PLENTY for name in limits["attempts"] if name != "sign_in"}
        file.write_text(yaml.safe_dump(limits, allow_unicode=True), encoding="utf-8")
        lines = [json.dumps(line, ensure_ascii=False) for firm in self.firms for line in _extract(firm)]
        extract = self.agency_folder / "demo" / "organizations.ndjson"
        extract.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _extract(firm: Firm) -> Iterator[dict[str, Any]]:
    """A firm and its client in the import format."""
    subjects = [{"subject": subject, "level": "write"} for subject in ("monthly_report", "workforce", "profile")]
    since = "2025-10-27"

    def organization(kind: str, number: str, name: str) -> dict[str, Any]:
        return {
            "kind": kind,
            "number": number,
            "legal_name": name,
            "trade_names": [],
            "status": "active",
            "email": f"mail-{number}@firm.example",
            "language": "fr",
        }

    def responsible(number: str, address: str) -> dict[str, Any]:
        return {
            "client_number": number,
            "family_name": "Responsable",
            "given_name": "Démo",
            "email": address,
            "telephones": [],
            "language": "fr",
            "relations": [{"type": "responsible_person", "starts_on": since, "subjects": subjects}],
        }

    yield {
        "organization": organization("employer", firm.client, f"EMPLOYEUR {firm.client}"),
        "contacts": [responsible(firm.client, f"employer-{firm.client}@firm.example")],
        "relations": [],
        "delegations": [],
    }
    yield {
        "organization": organization("firm", firm.number, f"FIRME {firm.number}"),
        "contacts": [responsible(firm.number, firm.responsible)],
        "relations": [
            {
                "organization": {"kind": "employer", "number": firm.client},
                "type": "accounting_firm",
                "starts_on": since,
                "subjects": subjects,
            }
        ],
        "delegations": [],
    }
