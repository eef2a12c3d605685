"""python -m local.extract --organizations N [--seed S] [--agency ccq]: a made-up extract with its faults.

It goes to the standard output. The same seed gives the same bytes. What it is made of stands in the agency's
demo/extract.yaml; firms come last, as in a file that nobody sorted for us.
"""

import argparse
import csv
import random
import sys
import unicodedata
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from itertools import accumulate
from typing import TextIO

import yaml
from pydantic import BaseModel, ConfigDict, Field

from local import ROOT

COLUMNS = (
    "record", "kind", "number", "legal_name", "trade_names", "status", "email", "language", "client_number",
    "family_name", "given_name", "telephones", "holder_kind", "holder_number", "type", "through", "starts_on",
    "ends_on", "subjects",
)  # fmt: skip
FIRST_DAY, DAYS = date(2015, 1, 1), 4_000  # on which relations began
UNKNOWN_NUMBER = "9999999"
UNKNOWN_SUBJECT = "old_service:write"

Row = dict[str, str]
Bounds = tuple[int, int]


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Firms(_Data):
    """Organizations that act for others."""

    kind: str
    per_thousand: int = Field(ge=1, le=999)
    first_number: int
    members: Bounds


class Clients(_Data):
    """Organizations that are acted for."""

    kind: str
    first_number: int
    contacts: Bounds


class Granted(_Data):
    """A type of relation and its subjects."""

    type: str | None = None
    subjects: str | list[str]


class Recipe(_Data):
    """demo/extract.yaml of an agency."""

    firms: Firms
    clients: Clients
    first_client_number: int
    represented_per_hundred: int
    delegates: Bounds
    responsible: Granted
    others: Granted
    representation: Granted
    delegation: Granted
    faults_per_thousand: dict[str, int]
    trades: list[str]
    marks: list[str]
    firm_words: list[str]
    forms: list[str]
    family_names: list[str]
    given_names: list[str]


def read(agency: str) -> Recipe:
    """What the agency's extracts are made of."""
    file = ROOT / "agencies" / agency / "demo" / "extract.yaml"
    return Recipe.model_validate(yaml.safe_load(file.read_text(encoding="utf-8")))


class Extract:
    """Makes rows up, one organization after another."""

    def __init__(self, recipe: Recipe, organizations: int, seed: int) -> None:
        self._recipe = recipe
        self._firms = max(1, organizations * recipe.firms.per_thousand // 1000)
        self._clients = max(0, organizations - self._firms)
        self._drawn = random.Random(seed)
        self._people = 0

    def rows(self) -> Iterator[Row | None]:
        """Rows by their columns' names; None stands for a line that cannot be read."""
        members = [self._drawn.randint(*self._recipe.firms.members) for _ in range(self._firms)]
        starts = list(accumulate(members, initial=self._recipe.first_client_number))
        self._people = starts.pop()
        for place in range(self._clients):
            yield from self._spoilt(self._client(place, starts, members))
        for place in range(self._firms):
            yield from self._spoilt(self._firm(place, starts[place], members[place]))

    def _client(self, place: int, starts: Sequence[int], members: Sequence[int]) -> Iterator[Row]:
        data, drawn = self._recipe, self._drawn
        key = {"kind": data.clients.kind, "number": str(data.clients.first_number + place)}
        name = f"{drawn.choice(data.trades)} {drawn.choice(data.marks)} {place} {drawn.choice(data.forms)}"
        yield self._organization(key, name)
        for contact in range(drawn.randint(*data.clients.contacts)):
            yield from self._contact(key, self._next_person(), responsible=contact == 0)
        if drawn.randrange(100) >= data.represented_per_hundred:
            return
        firm = drawn.randrange(self._firms)
        holder = {"holder_kind": data.firms.kind, "holder_number": str(data.firms.first_number + firm)}
        since = self._day()
        yield {
            "record": "representation", **key, **holder, "type": data.representation.type or "",
            "starts_on": since.isoformat(), "subjects": self._subjects(data.representation, whole=True),
        }  # fmt: skip
        count = min(members[firm], drawn.randint(*data.delegates))
        for member in drawn.sample(range(starts[firm], starts[firm] + members[firm]), count):
            yield {
                "record": "delegation", **key, **holder, "client_number": str(member),
                "through": data.representation.type or "", "starts_on": since.isoformat(),
                "subjects": self._subjects(data.delegation),
            }  # fmt: skip

    def _firm(self, place: int, first: int, members: int) -> Iterator[Row]:
        data, drawn = self._recipe, self._drawn
        key = {"kind": data.firms.kind, "number": str(data.firms.first_number + place)}
        yield self._organization(key, f"{drawn.choice(data.firm_words)} {drawn.choice(data.marks)} {place}")
        for number in range(first, first + members):
            yield from self._contact(key, number, responsible=number == first)

    def _organization(self, key: Row, name: str) -> Row:
        address = f"courrier@org{key['number']}.example"
        status = "inactive" if self._happens("inactive", 20) else "active"
        return {"record": "organization", **key, "legal_name": name, "status": status, "email": address,
                "language": self._language()}  # fmt: skip

    def _contact(self, key: Row, number: int, *, responsible: bool) -> Iterator[Row]:
        drawn, data = self._drawn, self._recipe
        person = {
            "record": "contact", **key, "client_number": str(number), "family_name": drawn.choice(data.family_names),
            "given_name": drawn.choice(data.given_names), "email": f"personne{number}@exemple.example",
            "telephones": f"work:+1514555{number % 10_000:04}", "language": self._language(),
        }  # fmt: skip
        yield person
        yield self._membership(key, number, data.responsible if responsible else data.others)
        if self._happens("resembling"):
            twin = self._next_person()
            yield self._resembling(person) | {"client_number": str(twin)}
            yield self._membership(key, twin, data.others)

    def _membership(self, key: Row, number: int, granted: Granted) -> Row:
        return {"record": "membership", **key, "client_number": str(number), "type": granted.type or "",
                "starts_on": self._day().isoformat(), "subjects": self._subjects(granted)}  # fmt: skip

    def _resembling(self, person: Row) -> Row:
        family, given = person["family_name"], person["given_name"]
        match self._drawn.randrange(4):
            case 0:
                return dict(person)
            case 1:
                return person | {"family_name": given, "given_name": family}
            case 2:
                bare = unicodedata.normalize("NFD", family).encode("ascii", "ignore").decode()
                return person | {"family_name": bare}
            case _:
                place = self._drawn.randrange(len(family) - 1)
                mistyped = family[:place] + family[place + 1] + family[place] + family[place + 2 :]
                return person | {"family_name": mistyped}

    def _spoilt(self, rows: Iterator[Row]) -> Iterator[Row | None]:
        for row in rows:
            yield from self._with_faults(row)
            if self._happens("unreadable"):
                yield None

    def _with_faults(self, row: Row) -> Iterator[Row]:
        match row["record"]:
            case "organization":
                yield row
                if self._happens("repeated"):
                    yield row | {"legal_name": row["legal_name"].upper()}
            case "contact":
                if self._happens("no_email"):
                    row = row | {"email": ""}
                elif self._happens("wrong_email"):
                    row = row | {"email": row["email"].replace(".", ",")}
                yield row
            case record:
                yield self._faulty_relation(row)
                if record == "membership" and self._happens("overlapping"):
                    later = date.fromisoformat(row["starts_on"]) + timedelta(days=90)
                    yield row | {"starts_on": later.isoformat()}

    def _faulty_relation(self, row: Row) -> Row:
        if row["record"] == "representation" and self._happens("unknown_organization"):
            return row | {"holder_number": UNKNOWN_NUMBER}
        if row["record"] != "representation" and self._happens("orphaned"):
            return row | {"client_number": UNKNOWN_NUMBER}
        if self._happens("unknown_subject"):
            return row | {"subjects": UNKNOWN_SUBJECT}
        if self._happens("dates_reversed"):
            before = date.fromisoformat(row["starts_on"]) - timedelta(days=1)
            return row | {"ends_on": before.isoformat()}
        return row

    def _happens(self, fault: str, otherwise: int = 0) -> bool:
        return self._drawn.randrange(1000) < self._recipe.faults_per_thousand.get(fault, otherwise)

    def _subjects(self, granted: Granted, *, whole: bool = False) -> str:
        if isinstance(granted.subjects, str):
            return granted.subjects
        count = len(granted.subjects) if whole else self._drawn.randint(1, len(granted.subjects))
        chosen = self._drawn.sample(granted.subjects, count)
        return " ".join(f"{subject}:{self._drawn.choice(('read', 'write'))}" for subject in chosen)

    def _day(self) -> date:
        return FIRST_DAY + timedelta(days=self._drawn.randrange(DAYS))

    def _language(self) -> str:
        return "en" if self._drawn.randrange(10) == 0 else "fr"

    def _next_person(self) -> int:
        self._people += 1
        return self._people


def write(file: TextIO, recipe: Recipe, organizations: int, seed: int) -> int:
    """Write an extract as CSV. Returns how many rows it has, those that cannot be read included."""
    lines = csv.writer(file, lineterminator="\n")
    lines.writerow(COLUMNS)
    count = 0
    for row in Extract(recipe, organizations, seed).rows():
        lines.writerow([row.get(name, "") for name in COLUMNS] if row is not None else ["contact", "?"])
        count += 1
    return count


def main(arguments: Sequence[str]) -> int:
    """Write an extract to the standard output."""
    parser = argparse.ArgumentParser(prog="python -m local.extract", description=__doc__)
    parser.add_argument("--agency", default="ccq")
    parser.add_argument("--organizations", type=int, default=1_000, metavar="N")
    parser.add_argument("--seed", type=int, default=1, metavar="S")
    asked = parser.parse_args(arguments)
    write(sys.stdout, read(asked.agency), asked.organizations, asked.seed)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
