"""Extracts that an agent sends over HTTP: organizations that nobody knows yet, known by how many rows they have."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from tests.faults.offers import Offers

FIRST_NUMBER = 1_200_000
ORGANIZATIONS = 10
ROWS_OF_ONE = 6

TOLD_BEFORE = 7
"""Days before an end on which one is told of it (notices.yaml of every agency)."""


@dataclass(frozen=True)
class Extract:
    """One extract; `number` makes it different from every other. In each organization something ends in a week, so that
    its responsible person has something to be told of on `today`, and on the next day too, if the run goes on to it."""

    number: int
    today: date
    offers: Offers

    @property
    def numbers(self) -> list[str]:
        """Of the organizations in it."""
        return [str(FIRST_NUMBER + self.number * 100 + place) for place in range(ORGANIZATIONS)]

    @property
    def rows(self) -> int:
        """How many rows it has, as no other."""
        return ORGANIZATIONS * ROWS_OF_ONE + self.number

    @property
    def content(self) -> bytes:
        """As NDJSON."""
        return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in self._lines()).encode()

    def _lines(self) -> Iterator[dict[str, Any]]:
        kind, (manager, *_) = self.offers.kind, self.offers.functions(manages=True)
        member, another, *_ = self.offers.functions(manages=False)
        for number in self.numbers:
            organization = {"kind": kind, "number": number, "legal_name": f"EXTRAIT {number}", "status": "active"}
            yield {
                "organization": organization | {"language": "fr"},
                "contacts": [
                    _contact(number, f"digest-{number}@extract.example")
                    | {"relations": [self._membership(manager, None)]},
                    _contact(f"5{number}", None)
                    | {
                        "relations": [
                            self._membership(member, self.today + timedelta(days=TOLD_BEFORE)),
                            self._membership(another, self.today + timedelta(days=TOLD_BEFORE + 1)),
                        ]
                    },
                ],
            }
        for place in range(self.number):
            contact = _contact(f"9{self.number:03}{place:03}", None)
            yield {"record": "contact", "kind": kind, "number": self.numbers[0]} | contact

    def _membership(self, type: str, ends_on: date | None) -> dict[str, Any]:
        subjects = [{"subject": self.offers.subjects[0], "level": "read"}]
        found: dict[str, Any] = {"type": type, "starts_on": "2025-10-27", "subjects": subjects}
        return found | ({"ends_on": ends_on.isoformat()} if ends_on else {})


def _contact(client_number: str, email: str | None) -> dict[str, Any]:
    found = {"client_number": client_number, "family_name": f"Extrait {client_number}", "given_name": "Démo"}
    return found | {"language": "fr"} | ({"email": email} if email else {})
