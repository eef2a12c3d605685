"""An employer of an agency with organization codes, and people who claim it, as tests of claims need them."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
from uuid_utils.compat import uuid7

from contracts.accounts import Person
from contracts.linking import OrganizationClaimed
from local import ROOT
from services.authorizations.accounts.handlers import follow_account
from services.authorizations.app import service
from services.authorizations.claims.handlers import follow_claim
from services.authorizations.tests.conftest import TEST, Someone, bring_in
from services.authorizations.tools import Tools
from tests.fixtures.gateway import Opened, OpenService

AGENCY = ROOT / "agencies" / "wsscc"
SINCE = datetime.now(UTC) - timedelta(days=1)
NUMBER, OFFICE = "410091", "bureau@glace.example"


@dataclass
class Claims:
    """The opened service, and an employer that nobody manages."""

    opened: Opened[Tools]
    employer_id: UUID

    @property
    def client(self) -> httpx.AsyncClient:
        return self.opened.client

    @property
    def agent(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.opened.issuer.agent()}", "Accept-Language": "en"}

    @property
    def today(self) -> Any:
        return self.opened.tools.moment(datetime.now(UTC)).day

    async def account(self, given_name: str = "Noor", **changes: Any) -> UUID:
        """An account of which this service has heard."""
        person = a_person(given_name=given_name, **changes)
        await self.opened.unit.run(follow_account, person, TEST)
        return person.account_id

    def claimed(self, account_id: UUID, **changes: Any) -> OrganizationClaimed:
        """A claim as linking tells it; what is proven, or not looked at, brought a code."""
        values: dict[str, Any] = {
            "organization_id": self.employer_id, "claim_id": uuid7(), "account_id": account_id,
            "method": "organization_code", "capacity": "worker", "proven": False, "locked": False,
            "tried": changes.get("proven", False) or changes.get("locked", False),
            "lapses_on": self.today + timedelta(days=30),
        }  # fmt: skip
        return OrganizationClaimed(**values | changes)

    async def tell(self, claimed: OrganizationClaimed) -> OrganizationClaimed:
        """Let a claim arrive."""
        await self.opened.unit.run(follow_claim, claimed, TEST)
        return claimed

    async def claim(self, account_id: UUID, **changes: Any) -> OrganizationClaimed:
        """Claim the employer."""
        return await self.tell(self.claimed(account_id, **changes))

    async def administrator(self) -> Someone:
        """The first person, who proved it."""
        account_id = await self.account("Première")
        await self.claim(account_id, proven=True)
        return await self.as_contact(account_id)

    async def as_contact(self, account_id: UUID) -> Someone:
        """An account with the profile that it has there."""
        contact_id = await self.contact_of(account_id)
        assert contact_id is not None
        return Someone(account_id, contact_id, self.headers(account_id) | {"Mandat-Profile": str(contact_id)})

    async def contact_of(self, account_id: UUID) -> UUID | None:
        found: UUID | None = await self.opened.unit.pool.fetchval(
            "select contact_id from bindings where account_id = $1 and upper_inf(recorded) and upper_inf(during)",
            account_id,
        )
        return found

    def headers(self, account_id: UUID) -> dict[str, str]:
        """Of a person who has chosen no profile."""
        return {"Authorization": f"Bearer {self.opened.issuer.person(account_id)}", "Accept-Language": "en"}

    async def show(self, request_id: UUID | str, headers: dict[str, str]) -> httpx.Response:
        return await self.client.get(f"/v1/requests/{request_id}", headers=headers)

    async def decide(
        self, request_id: UUID | str, headers: dict[str, str], outcome: str = "approve", **changes: Any
    ) -> httpx.Response:
        """Decide a request as it stands."""
        etag = (await self.show(request_id, headers)).headers.get("etag", '"1"')
        return await self.client.post(
            f"/v1/requests/{request_id}/decision",
            json={"outcome": outcome, **changes},
            headers=headers | {"If-Match": etag},
        )

    async def request_of(self, claimed: OrganizationClaimed) -> UUID:
        """The request that a claim led to."""
        found: UUID = await self.opened.unit.pool.fetchval(
            "select request_id from requests where claim_id = $1", claimed.claim_id
        )
        return found

    async def told(self, kind: str) -> list[dict[str, Any]]:
        """Events or mails of a kind, oldest first."""
        return await self.opened.published(kind)

    async def check(self, account_id: UUID, subject: str, level: str = "read") -> bool:
        """Ask the access check as another system would."""
        answer = await self.client.post(
            "/access/v1/evaluation",
            json={
                "subject": {"type": "account", "id": str(account_id)},
                "action": {"name": level},
                "resource": {"type": subject, "id": str(self.employer_id)},
            },
            headers={"Authorization": f"Bearer {self.opened.issuer.machine('access:evaluate')}"},
        )
        assert answer.status_code == 200, answer.text
        return bool(answer.json()["decision"])


def a_person(**changes: Any) -> Person:
    """The state of an open account."""
    account_id = changes.pop("account_id", None) or uuid7()
    values: dict[str, Any] = {
        "account_id": account_id, "version": 1, "status": "active", "status_since": SINCE, "epoch": 0,
        "email": f"{account_id.hex}@example.org", "given_name": "Noor", "family_name": "Exemple", "language": "en",
    }  # fmt: skip
    return Person(**values | changes)


async def claims(open_service: OpenService, folder: Path) -> Claims:
    """Bring in an employer without anybody."""
    opened = await open_service(service, agency=AGENCY)
    line = {
        "organization": {
            "kind": "employer", "number": NUMBER, "legal_name": "GLACE ET SEL LTÉE", "trade_names": [],
            "status": "active", "email": OFFICE, "language": "fr",
        },
        "contacts": [],
    }  # fmt: skip
    extract = folder / "employer.ndjson"
    extract.write_text(json.dumps(line), encoding="utf-8")
    done = await bring_in(opened.unit, extract)
    assert (done.rejected, done.created) == (0, done.read)
    employer_id = await opened.unit.pool.fetchval("select organization_id from organizations")
    return Claims(opened, employer_id)
