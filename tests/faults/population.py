"""Whom a run loads: firms, their clients and organizations to claim, made up, as an agency's extract names them; and
an agency whose limits let them through."""

import base64
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from contracts.agency.limits import SHARED_BY_NETWORKS
from tests.faults import offers
from tests.faults.offers import Offers

FIRST_FIRM, FIRST_CLIENT, FIRST_CLAIMED, FIRST_PRACTICE = 5_100_000, 1_100_000, 2_100_000, 2_500_000
"""Numbers of made-up firms, of their clients, of organizations to claim and of practices, which the demo data do not
use."""

PLENTY = {"count": 100_000, "per_seconds": 60}
PLENTY_FROM_ONE_NETWORK = {"count": 100, "per_seconds": 60, "from_one_network": 99}
"""In place of budgets: the whole load comes from one network, and people there repeat themselves."""

NO_LONG_WAIT = {"at_once": 20, "first_seconds": 1, "longest_seconds": 1, "forgotten_after_seconds": 60}
CODES = {
    "per_account": NO_LONG_WAIT, "per_organization": NO_LONG_WAIT, "wrong_tries": 100,
    "renewals_per_organization": PLENTY, "in_all": PLENTY,
}  # fmt: skip
"""The same for organizations' codes: dead ones are tried on purpose."""

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


@dataclass(frozen=True)
class Practice:
    """A professional's practice, as the agency's extract names it."""

    number: str
    address: str
    profession: str

    @classmethod
    def numbered(cls, number: int, profession: str) -> "Practice":
        """One of as many as are wanted."""
        return cls(str(FIRST_PRACTICE + number), f"professional-{number}@practice.example", profession)


@dataclass(frozen=True)
class Population:
    """Everybody that an agency's data have a use for: `firms`, whose people link with coordinates, `claimed`,
    organizations whose people claim them, and `practices`, whose professionals mandate others."""

    offers: Offers
    firms: tuple[Firm, ...]
    claimed: tuple[Claimable, ...]
    practices: tuple[Practice, ...]

    @classmethod
    def of(cls, agency: Path, size: int) -> "Population":
        """So many firms, and so many organizations to claim, of the agency whose data stand in a folder."""
        found = offers.of(agency, today(agency))
        firms = tuple(Firm.numbered(number, size) for number in range(size)) if found.has_firms else ()
        claimed = tuple(map(Claimable.numbered, range(size))) if found.method else ()
        practices = [Practice.numbered(number, found.profession) for number in range(size)] if found.profession else []
        return cls(found, firms, claimed, tuple(practices))

    def files(self) -> Mapping[str, str]:
        """By the name of a file in an agency's demo data: what the agency imports."""
        made: dict[str, Iterable[dict[str, Any]]] = {"organizations": self.extract()}
        if users := [user for firm in self.firms for user in firm.former_users]:
            made["former-credentials"] = map(_credential, users)
        return {name: "".join(map(as_line, lines)) for name, lines in made.items()}

    def extract(self) -> Iterator[dict[str, Any]]:
        """Firms, their clients and the clients' former users, and what is to be claimed, in the import format."""
        yield from (self._claimable(one) for one in self.claimed)
        yield from (self._practice(one) for one in self.practices)
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

    def renamed(self, number: str, trade_name: str) -> str:
        """The line of an organization that has a new trade name."""
        line = next(line for line in self.extract() if line["organization"]["number"] == number)
        line["organization"]["trade_names"] = [trade_name]
        return as_line(line)

    def _practice(self, one: Practice) -> dict[str, Any]:
        contact = _contact(one.number, one.address, one.profession)
        subjects = [{"subject": service.subject, "level": "write"} for service in self.offers.mandated(one.profession)]
        [relation] = contact["relations"]
        organization = _organization(self.offers.kind, one.number, f"CABINET {one.number}")
        contacts = [contact | {"relations": [relation | {"subjects": subjects}]}]
        return {"organization": organization, "contacts": contacts, "relations": [], "delegations": []}

    def _claimable(self, one: Claimable) -> dict[str, Any]:
        organization = _organization(self.offers.kind, one.number, one.name) | {
            "billing_address": ["1 Demo Street", "Demoville"],
            "payroll": {"year": self.offers.day.year, "amount": f"{one.payroll}.00"},
        }
        return {"organization": organization, "contacts": [], "relations": [], "delegations": []}


def today(agency: Path) -> date:
    """The agency's day."""
    policy = yaml.safe_load((agency / "agency.yaml").read_text(encoding="utf-8"))
    return datetime.now(UTC).astimezone(ZoneInfo(policy["time_zone"])).date()


def let_through(agency: Path, code_minutes: int) -> None:
    """Rewrites an agency's data: limits that let a load through, and campaigns that go on."""
    with _rewritten(agency / "limits.yaml") as limits:
        limits["one_time_code"] |= {"resend_after_seconds": 10, "minutes": code_minutes}
        if "confirmation_link" in limits:
            limits["confirmation_link"]["resend_after_seconds"] = 10
        limits["attempts"] |= {name: PLENTY for name in limits["attempts"] if name not in SHARED_BY_NETWORKS}
        limits["attempts"] |= dict.fromkeys(SHARED_BY_NETWORKS, PLENTY_FROM_ONE_NETWORK)
        if "organization_codes" in limits:
            limits["organization_codes"] |= CODES
    if (agency / "campaigns.yaml").exists():
        with _rewritten(agency / "campaigns.yaml") as campaigns:
            for campaign in campaigns["campaigns"]:
                campaign |= {"starts_on": date(2026, 1, 1), "ends_on": date(2099, 12, 31)}


def as_line(record: Mapping[str, Any]) -> str:
    """One record, as a file to import holds it."""
    return json.dumps(record, ensure_ascii=False) + "\n"


@contextmanager
def _rewritten(file: Path) -> Iterator[dict[str, Any]]:
    policy = yaml.safe_load(file.read_text(encoding="utf-8"))
    yield policy
    file.write_text(yaml.safe_dump(policy, allow_unicode=True), encoding="utf-8")


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
