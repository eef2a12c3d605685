"""An employer of the agency WSSCC with an administrator, a worker and a representative: who manages, who acts."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx

from local import ROOT
from services.authorizations.app import service
from services.authorizations.tests.conftest import Firm, Someone, bring_in
from tests.fixtures.gateway import OpenService

PEOPLE = {"4000001": "access_administrator", "4000002": "worker", "4000003": "representative"}


@dataclass
class Employer:
    """The opened service with an employer in it; each of its people is linked."""

    at: Firm
    organization_id: UUID
    administrator: Someone
    worker: Someone
    representative: Someone

    @property
    def agent(self) -> dict[str, str]:
        return self.at.agent

    async def post(self, path: str, headers: dict[str, str], **body: Any) -> httpx.Response:
        """Post to something of the employer."""
        return await self.at.client.post(
            f"/v1/organizations/{self.organization_id}/{path}", json=body, headers=headers
        )  # fmt: skip

    async def appoint(self, someone: Someone, headers: dict[str, str] | None = None, **more: Any) -> httpx.Response:
        """Appoint an administrator; by the first one unless somebody else is named."""
        body = {"contact_id": str(someone.contact_id)} | more
        return await self.post("administrators", headers or self.administrator.headers, **body)

    async def release(self, someone: Someone, headers: dict[str, str] | None = None, **more: Any) -> httpx.Response:
        """Release an administrator."""
        path = f"administrators/{someone.contact_id}/release"
        return await self.post(path, headers or self.administrator.headers, **more)

    async def replace(self, someone: Someone, by: Someone, **more: Any) -> httpx.Response:
        """An agent puts somebody in an administrator's place."""
        body = {"successor_id": str(by.contact_id), "reason": "contested"} | more
        return await self.post(f"administrators/{someone.contact_id}/replacement", self.agent, **body)

    async def says(self, someone: Someone, subject: str) -> bool:
        """What the check says of writing a subject."""
        return bool((await self.at.check(someone.account_id, subject, self.organization_id))["decision"])

    async def manages(self, someone: Someone) -> bool:
        """Whether somebody may see what only those who manage may."""
        path = f"/v1/organizations/{self.organization_id}/blocks"
        return (await self.at.client.get(path, headers=someone.headers)).status_code == 200

    async def mails(self, kind: str) -> list[tuple[str, str]]:
        """To whom a kind of mail about administrators went, and what it said."""
        return [(mail["recipient_id"], mail["change"]) for mail in await self.at.opened.published(kind)]


async def an_employer(open_service: OpenService, folder: Path) -> Employer:
    """An employer whose administrator was there before the platform; its people have one subject each."""
    opened = await open_service(service, agency=ROOT / "agencies" / "wsscc")
    line = {
        "organization": {
            "kind": "employer", "number": "410009", "legal_name": "FORAGES EXEMPLE LTÉE", "trade_names": [],
            "status": "active", "email": "bureau@forages.example", "language": "fr",
        },
        "contacts": [
            {
                "client_number": number, "family_name": f"Démo-{type.title()}", "given_name": "Démo",
                "email": f"{number}@forages.example", "telephones": [], "language": "fr",
                "relations": [{"type": type, "starts_on": "2026-01-05",
                               "subjects": [{"subject": "payments", "level": "write"}]}],
            }
            for number, type in PEOPLE.items()
        ],
    }  # fmt: skip
    extract = folder / "employer.ndjson"
    extract.write_text(json.dumps(line), encoding="utf-8")
    done = await bring_in(opened.unit, extract)
    assert (done.rejected, done.created) == (0, done.read)
    organization_id = await opened.unit.pool.fetchval("select organization_id from organizations")
    at = Firm(opened, organization_id, {}, organization_id, Someone(uuid4(), uuid4(), {}))
    people = [await at.link(await at.contact(number)) for number in PEOPLE]
    at.responsible = people[0]
    return Employer(at, organization_id, *people)
