"""The stack that is broken: api and workers apart, limits that let a load through, the harness's mail host."""

import asyncio
import base64
import hashlib
import json
import shutil
import sys
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg
import httpx
import yaml

from chassis.audit.published import published
from chassis.audit.verifying import verify
from chassis.database import connect
from chassis.kafka import Clients
from contracts import agency as agencies
from contracts.agency.limits import SHARED_BY_NETWORKS
from contracts.audit import HEADS
from local import ROOT
from local.child import answers
from local.ports import SERVICES, Ports, free_ports
from local.processes import undisturbed
from local.stack import READY_TIMEOUT, Member, Stack
from tests.faults import offers
from tests.faults.mail_host import Mode
from tests.faults.offers import Offers

MEMBERS = (
    *(Member(service, "api") for service in SERVICES),
    *(Member(service, "worker") for service in SERVICES),
    Member("authorizations", "worker", 2),  # so that groups are rebalanced and shards taken over
)
FIRST_FIRM, FIRST_CLIENT, FIRST_CLAIMED = 5_100_000, 1_100_000, 2_100_000
"""Numbers of made-up firms, of their clients and of organizations to claim, which the demo data do not use."""

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
"""When whatever the harness lets pass has passed: longer ago than anything is kept or waited for."""

PLENTY = {"count": 100_000, "per_seconds": 60}
PLENTY_FROM_ONE_NETWORK = {"count": 100, "per_seconds": 60, "from_one_network": 99}
"""In place of budgets: the whole load comes from one network, and people there repeat themselves."""

NO_LONG_WAIT = {"at_once": 20, "first_seconds": 1, "longest_seconds": 1, "forgotten_after_seconds": 60}
CODES = {
    "per_account": NO_LONG_WAIT, "per_organization": NO_LONG_WAIT, "wrong_tries": 100,
    "renewals_per_organization": PLENTY, "in_all": PLENTY,
}  # fmt: skip
"""The same for organizations' codes: dead ones are tried on purpose."""


MODULES = {"authorizations": "tests.faults.small_portions"}
"""Service → what runs in its place: the same, in smaller portions."""

SALT = b"old system"


@dataclass(frozen=True)
class FormerUser:
    """Somebody whom the agency's old system knew, and the employers in whose files they stand."""

    user_name: str
    password: str
    client_number: str
    employers: tuple[str, ...]


@dataclass(frozen=True)
class Firm:
    """One accounting firm and its client, as the agency's extract names them; `responsible` and `employer` are the
    addresses of those responsible for them. Not every employer joins: for the others agents decide."""

    number: str
    client: str
    responsible: str
    employer: str
    employer_joins: bool
    former_users: tuple[FormerUser, ...]

    @classmethod
    def numbered(cls, number: int, firms: int) -> "Firm":
        """One of so many firms. Its former user stands in the files of its client and of the next firm's."""
        client, another = (str(FIRST_CLIENT + place % firms) for place in (number, number + 1))
        user = FormerUser(
            f"ancien.{number}", f"ancien mot de passe {number}", str(6_000_000 + number), (client, another)
        )
        addresses = f"responsible-{number}@firm.example", f"employer-{client}@firm.example"
        return cls(str(FIRST_FIRM + number), client, *addresses, number % 2 == 0, (user,))


@dataclass(frozen=True)
class Claimable:
    """An organization that people claim, as the agency's extract names it; its payroll is of this year."""

    number: str
    name: str
    payroll: str

    @classmethod
    def numbered(cls, number: int) -> "Claimable":
        """One of as many as are wanted."""
        return cls(str(FIRST_CLAIMED + number), f"ORGANISATION {FIRST_CLAIMED + number}", str(100_000 * (number + 1)))


class Ground(Stack):
    """A stack of one agency on free ports, whose data stand in `folder`.

    Imported at its start, by what the agency's data offer: `firms`, whose people link with coordinates, and `claimed`,
    organizations whose people claim them; `size` of each. `code_minutes` is how long a one-time code is good: short,
    and mail outages make codes expire.
    """

    def __init__(self, folder: Path, agency: str, size: int, code_minutes: int) -> None:
        super().__init__(agency, folder / "data", Ports.free(), folder / "logs", lambda _: None, MEMBERS, MODULES)
        self._code_minutes = code_minutes
        self._inbox_port, self._control_port = free_ports(2)
        self.agency_folder = folder / "agencies" / agency
        shutil.copytree(offers.AGENCIES / agency, self.agency_folder)
        self.offers: Offers = offers.of(self.agency_folder, self.today())
        numbers = range(size)
        self.firms = [Firm.numbered(number, size) for number in numbers] if self.offers.has_coordinates else []
        self.claimed = [Claimable.numbered(number) for number in numbers] if self.offers.method else []
        self._make_agency()

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

    def today(self) -> date:
        """The agency's day."""
        policy = yaml.safe_load((self.agency_folder / "agency.yaml").read_text(encoding="utf-8"))
        return datetime.now(UTC).astimezone(ZoneInfo(policy["time_zone"])).date()

    async def begin_day(self) -> None:
        """Lets a day begin on which nobody was told of anything, though it is the same day: who was told stays so.

        Raises what a failing database raises.
        """
        async with self.connected("authorizations") as connection:
            await connection.execute("delete from notice_rounds")

    async def let_lapse(self, request_id: str) -> None:
        """Lets a request's last day pass. Raises what a failing database raises."""
        async with self.connected("authorizations") as connection:
            await connection.execute(
                "update requests set lapses_on = $2 where request_id = $1 and state in ('submitted', 'returned')",
                request_id,
                LONG_AGO.date(),
            )

    async def let_outlive(self, attachment_id: str) -> None:
        """Lets the time pass for which an attachment is kept. Raises what a failing database raises."""
        async with self.connected("authorizations") as connection:
            await connection.execute(
                "update attachments set used_at = $2 where attachment_id = $1", attachment_id, LONG_AGO
            )

    @asynccontextmanager
    async def connected(self, service: str) -> "AsyncIterator[asyncpg.Connection]":
        """A connection to a service's database. Raises what a failing database raises."""
        connection = await asyncpg.connect(self.postgres.url(service), timeout=30)
        try:
            yield connection
        finally:
            await connection.close()

    async def verify_audit(self) -> list[str]:
        """What each service's `audit verify` says of what is not as it was sealed.

        Here and not in four processes, whose starts would cost a short run more than the verifying.
        """
        keeps = agencies.load(self.agency_folder).retention.audit.keeps

        async def verified(service: str) -> list[str]:
            heads = await published(Clients(self.kafka.servers), "", HEADS[service])
            connection = await connect(self.postgres.url(service), command_timeout=None)
            try:
                found = await verify(connection, heads, keeps)
            finally:
                await connection.close()
            return [f"{service}, chain {fault.chain_id}: {fault.words}" for fault in found.faults]

        return [line for lines in await asyncio.gather(*map(verified, SERVICES)) for line in lines]

    def bring_in(self, number: str, trade_name: str) -> None:
        """Runs the import of an organization that has a new trade name. Raises Problem unless the command says so."""
        line = next(line for line in self._extract() if line["organization"]["number"] == number)
        line["organization"]["trade_names"] = [trade_name]
        file = self.folder / f"import-{number}.ndjson"
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

    def _make_agency(self) -> None:
        """Limits that let the load through, campaigns that have begun, and organizations of its own."""
        with self._rewritten("limits.yaml") as limits:
            limits["one_time_code"] |= {"resend_after_seconds": 10, "minutes": self._code_minutes}
            if "confirmation_link" in limits:
                limits["confirmation_link"]["resend_after_seconds"] = 10
            limits["attempts"] |= {name: PLENTY for name in limits["attempts"] if name not in SHARED_BY_NETWORKS}
            limits["attempts"] |= dict.fromkeys(SHARED_BY_NETWORKS, PLENTY_FROM_ONE_NETWORK)
            if "organization_codes" in limits:
                limits["organization_codes"] |= CODES
        if self.offers.agency.campaigns:
            with self._rewritten("campaigns.yaml") as campaigns:
                for campaign in campaigns["campaigns"]:
                    campaign["starts_on"] = date(2026, 1, 1)
        demo: dict[str, Iterable[dict[str, Any]]] = {"organizations": self._extract()}
        if users := [user for firm in self.firms for user in firm.former_users]:
            demo["former-credentials"] = map(_credential, users)
        for name, lines in demo.items():
            text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
            (self.agency_folder / "demo" / f"{name}.ndjson").write_text(text, encoding="utf-8")

    @contextmanager
    def _rewritten(self, name: str) -> Iterator[dict[str, Any]]:
        file = self.agency_folder / name
        policy = yaml.safe_load(file.read_text(encoding="utf-8"))
        yield policy
        file.write_text(yaml.safe_dump(policy, allow_unicode=True), encoding="utf-8")

    def _extract(self) -> Iterator[dict[str, Any]]:
        """Firms, their clients and the clients' former users, and what is to be claimed, in the import format."""
        yield from (self._claimable(one) for one in self.claimed)
        users = [user for firm in self.firms for user in firm.former_users]
        for firm in self.firms:
            in_file = [user for user in users if firm.client in user.employers]
            yield {
                "organization": _organization("employer", firm.client, f"EMPLOYEUR {firm.client}"),
                "contacts": [_contact(firm.client, firm.employer, "responsible_person")]
                + [_contact(user.client_number, f"{user.user_name}@old.example", "staff_member") for user in in_file],
                "relations": [],
                "delegations": [],
            }
            acts_for = {"organization": {"kind": "employer", "number": firm.client}, "type": "accounting_firm"}
            yield {
                "organization": _organization("firm", firm.number, f"FIRME {firm.number}"),
                "contacts": [_contact(firm.number, firm.responsible, "responsible_person")],
                "relations": [acts_for | SUBJECTS],
                "delegations": [],
            }

    def _claimable(self, one: Claimable) -> dict[str, Any]:
        organization = _organization(self.offers.kind, one.number, one.name) | {
            "billing_address": ["1 Demo Street", "Demoville"],
            "payroll": {"year": self.today().year, "amount": f"{one.payroll}.00"},
        }
        return {"organization": organization, "contacts": [], "relations": [], "delegations": []}


SUBJECTS = {
    "starts_on": "2025-10-27",
    "subjects": [{"subject": subject, "level": "write"} for subject in ("monthly_report", "workforce", "profile")],
}


def _organization(kind: str, number: str, name: str) -> dict[str, Any]:
    return {
        "kind": kind,
        "number": number,
        "legal_name": name,
        "trade_names": [],
        "status": "active",
        "email": f"mail-{number}@firm.example",
        "language": "fr",
    }


def _contact(client_number: str, address: str, type: str) -> dict[str, Any]:
    return {
        "client_number": client_number,
        "family_name": f"Responsable {client_number}",
        "given_name": "Démo",
        "email": address,
        "telephones": [],
        "language": "fr",
        "relations": [{"type": type, **SUBJECTS}],
    }


def _credential(user: FormerUser) -> dict[str, Any]:
    """As an old directory kept it: salted SHA-512, as OpenLDAP writes it."""
    digest = base64.b64encode(hashlib.sha512(user.password.encode() + SALT).digest() + SALT).decode()
    files = [
        {"client_number": user.client_number, "organization": {"kind": "employer", "number": number}}
        for number in user.employers
    ]
    return {"user_name": user.user_name, "hash": f"{{SSHA512}}{digest}", "files": files}
