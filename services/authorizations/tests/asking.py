"""The guide's firm and one of its clients, each asking the other: what tests of requests say again and again."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx

from services.authorizations.deciding.chores import tell_waiting
from services.authorizations.tests.conftest import Firm, Someone, bring_in

SUBJECTS = [{"subject": "monthly_report", "level": "write"}, {"subject": "profile", "level": "read"}]
NEWCOMER = "1000009"  # an employer with whom the firm has no relation yet
NOBODY = "1999999"  # no organization has this number


@dataclass
class Sides:
    """A firm, and an employer that the firm does not act for yet; both have somebody who manages them."""

    firm: Firm
    employer_id: UUID
    employer: Someone

    async def propose(self, number: str = NEWCOMER, **changes: Any) -> httpx.Response:
        """The firm proposes to act for an employer that it names by number."""
        headers = changes.pop("headers", self.firm.responsible.headers)
        body = {
            "other": {"kind": "employer", "number": number},
            "type": "accounting_firm",
            "subjects": SUBJECTS,
            "attestations": await self.firm.attestations("representation"),
        }
        return await self.firm.client.post(
            f"/v1/organizations/{self.firm.firm_id}/relations", json=body | changes, headers=headers
        )

    async def grant(self, **changes: Any) -> httpx.Response:
        """The employer takes the firm on."""
        body = {
            "other": {"kind": "firm", "number": "5000001"},
            "type": "accounting_firm",
            "subjects": SUBJECTS,
            "attestations": await self.firm.attestations("representation"),
        }
        return await self.firm.client.post(
            f"/v1/organizations/{self.employer_id}/relations", json=body | changes, headers=self.employer.headers
        )

    async def end(self, relation_id: str, headers: dict[str, str], **changes: Any) -> httpx.Response:
        """Either of them wants a relation to end."""
        body = {"attestations": await self.firm.attestations("representation_end")}
        return await self.firm.client.post(f"/v1/relations/{relation_id}/end", json=body | changes, headers=headers)

    async def proposed(self, number: str = NEWCOMER, **changes: Any) -> str:
        """The id of a proposal that those who decide were told of."""
        answer = await self.propose(number, **changes)
        assert answer.status_code == 202, answer.text
        await tell_waiting(self.firm.opened.unit)
        return str(answer.json()["request_id"])

    async def show(self, request_id: str, headers: dict[str, str]) -> httpx.Response:
        """Open a request."""
        return await self.firm.client.get(f"/v1/requests/{request_id}", headers=headers)

    async def decide(
        self, request_id: str, headers: dict[str, str], outcome: str = "approve", **changes: Any
    ) -> httpx.Response:
        """Decide a request as it stands, or with `etag` one that was seen before."""
        etag = changes.pop("etag", None) or (await self.show(request_id, headers)).headers.get("etag", '"1"')
        return await self.firm.client.post(
            f"/v1/requests/{request_id}/decision",
            json={"outcome": outcome, **changes},
            headers=headers | {"If-Match": etag},
        )

    async def withdraw(self, request_id: str, headers: dict[str, str]) -> httpx.Response:
        """Take a request back."""
        return await self.firm.client.post(f"/v1/requests/{request_id}/withdrawal", headers=headers)

    async def events(self) -> list[str]:
        """The names of the events that were published, in their order."""
        return [str(event["name"]) for event in await self.firm.opened.published()]

    async def relations(self) -> list[dict[str, Any]]:
        """The firm's list of relations."""
        path = f"/v1/organizations/{self.firm.firm_id}/relations"
        return list((await self.firm.client.get(path, headers=self.firm.responsible.headers)).json()["items"])

    async def let_lapse(self, request_id: str) -> None:
        """Move a request's last day to yesterday."""
        yesterday = self.firm.opened.tools.moment(datetime.now(UTC)).day - timedelta(days=1)
        await self.firm.opened.unit.pool.execute(
            "update requests set lapses_on = $2 where request_id = $1", UUID(request_id), yesterday
        )

    async def mails(self, kind: str) -> list[dict[str, Any]]:
        """The mails of a kind that were asked for."""
        return await self.firm.opened.published(kind)


async def sides(firm: Firm, folder: Path) -> Sides:
    """Bring in an employer with a responsible person, who is linked."""
    line = {
        "organization": {
            "kind": "employer", "number": NEWCOMER, "legal_name": "CHARPENTES DÉMO INC.", "trade_names": [],
            "status": "active", "email": "courrier@charpentes.example", "language": "en",
        },
        "contacts": [
            {
                "client_number": "3000009", "family_name": "Cliente-Neuf", "given_name": "Démo",
                "email": "responsable@charpentes.example", "telephones": [], "language": "en",
                "relations": [{"type": "responsible_person", "starts_on": "2025-10-27", "subjects": "all"}],
            }
        ],
    }  # fmt: skip
    extract = folder / "newcomer.ndjson"
    extract.write_text(json.dumps(line), encoding="utf-8")
    done = await bring_in(firm.opened.unit, extract)
    assert (done.rejected, done.created) == (0, done.read)
    employer_id = await firm.opened.unit.pool.fetchval(
        "select organization_id from organizations where number = $1", NEWCOMER
    )
    return Sides(firm, employer_id, await firm.link(await firm.contact("3000009")))
