"""The guide's firm, brought in as an extract would be, with its responsible person linked."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from string import ascii_lowercase
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from uuid_utils.compat import uuid7

from chassis.work import Actor, Unit
from contracts.accounts import Person
from contracts.linking import ProfileLinked
from local import ROOT
from services.authorizations.accounts.handlers import follow_account
from services.authorizations.app import service
from services.authorizations.bindings.handlers import follow_link
from services.authorizations.imports import running
from services.authorizations.imports.ahead import Ahead
from services.authorizations.imports.running import carry_out, files, receive
from services.authorizations.imports.staging import ImportRow
from services.authorizations.tools import Tools
from tests.fixtures.gateway import Opened, OpenService

TEST = Actor("test", "test")
EXTRACT = ROOT / "agencies" / "ccq" / "demo" / "organizations.ndjson"
DELEGABLE = {"monthly_report", "workforce", "site_compliance", "payments_statements", "profile"}
NOT_DELEGABLE = {"workforce_management", "site_identification", "status_letter"}


@dataclass(frozen=True)
class Someone:
    """An account linked to a contact, and the headers of its requests."""

    account_id: UUID
    contact_id: UUID
    headers: dict[str, str]


@dataclass
class Firm:
    """The opened service with the guide's firm in it."""

    opened: Opened[Tools]
    firm_id: UUID
    clients: dict[str, UUID]
    individual_id: UUID
    responsible: Someone
    strangers: Iterator[int] = field(default_factory=count)

    @property
    def client(self) -> httpx.AsyncClient:
        return self.opened.client

    @property
    def agent(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.opened.issuer.agent()}"}

    async def link(self, contact_id: UUID, since: datetime | None = None) -> Someone:
        """Open an account and link it to a contact, as the two other services would tell it."""
        account_id = uuid7()
        since = since or datetime.now(UTC) - timedelta(days=1)
        person = Person(
            account_id=account_id, version=1, status="active", status_since=since, epoch=0,
            email=f"{account_id.hex}@example.org", given_name="Démo", family_name="Personne", language="fr",
        )  # fmt: skip
        await self.opened.unit.run(follow_account, person, TEST)
        organization_id = await self.opened.unit.pool.fetchval(
            "select organization_id from contacts where contact_id = $1", contact_id
        )
        linked = ProfileLinked(
            link_id=uuid7(), account_id=account_id, contact_id=contact_id, organization_id=organization_id,
            method="linking_coordinates", linked_at=since,
        )  # fmt: skip
        await self.opened.unit.run(follow_link, linked, TEST)
        token = self.opened.issuer.person(account_id)
        headers = {"Authorization": f"Bearer {token}", "Mandat-Profile": str(contact_id), "Accept-Language": "fr"}
        return Someone(account_id, contact_id, headers)

    async def contact(self, number: str) -> UUID:
        """A contact's id by its client number."""
        found: UUID = await self.opened.unit.pool.fetchval(
            "select contact_id from contacts where client_number = $1", number
        )
        return found

    async def add_member(self, **changes: Any) -> httpx.Response:
        """Post the form of step 4."""
        body = {
            "contact": self.stranger(),
            "type": "staff_member",
            "subjects": [{"subject": "profile", "level": "read"}],
            "attestations": await self.attestations("addition"),
        }  # fmt: skip
        headers = changes.pop("headers", self.responsible.headers)
        return await self.client.post(
            f"/v1/organizations/{self.firm_id}/contacts", json=body | changes, headers=headers
        )

    def stranger(self) -> dict[str, Any]:
        """Somebody whom nobody knows, and who looks like nobody of those before."""
        number = next(self.strangers)
        letters = "".join(random.Random(number).choices(ascii_lowercase, k=12))
        return {
            "family_name": letters.title() if number else "Personnel", "given_name": "Démo",
            "email": f"personnel{number or ''}@example.org",
            "telephones": [{"kind": "mobile", "number": f"+1514555{199 + number:04}"}], "language": "fr",
        }  # fmt: skip

    async def member(self) -> Someone:
        """A staff member, added and linked."""
        added = await self.add_member()
        assert added.status_code == 201, added.text
        return await self.link(UUID(added.json()["contact_id"]))

    async def attestations(self, kind: str) -> list[dict[str, Any]]:
        """The statements of a form, ticked as GET /v1/forms shows them."""
        forms = (await self.client.get("/v1/forms", headers=self.responsible.headers)).json()["items"]
        form = next(form for form in forms if form["kind"] == kind)
        return [{"code": a["code"], "version": a["version"]} for a in form["attestations"]]

    async def through(self, client_id: UUID) -> str:
        """The firm's own relation to a client."""
        listed = await self.client.get(f"/v1/organizations/{self.firm_id}/relations", headers=self.responsible.headers)
        return next(
            str(row["relation_id"])
            for row in listed.json()["items"]
            if row["organization"]["organization_id"] == str(client_id)
        )

    async def delegate(self, contact_id: UUID, client_id: UUID, **changes: Any) -> httpx.Response:
        """Post the form of step 5: delegate a client's authorizations."""
        body = {
            "organization_id": str(client_id),
            "through": await self.through(client_id),
            "subjects": "all",
            "attestations": await self.attestations("addition"),
        }
        return await self.client.post(
            f"/v1/contacts/{contact_id}/relations", json=body | changes, headers=self.responsible.headers
        )

    async def remove(self, contact_id: UUID, **changes: Any) -> httpx.Response:
        """Post the form that withdraws."""
        body = {"scope": "all", "attestations": await self.attestations("removal")}
        return await self.client.post(
            f"/v1/contacts/{contact_id}/removals", json=body | changes, headers=self.responsible.headers
        )

    async def check(
        self, account_id: UUID, subject: str, organization: UUID | str, level: str = "write", **context: Any
    ) -> dict[str, Any]:
        """Ask the access check as another system would."""
        answer = await self.client.post(
            "/access/v1/evaluation",
            json={
                "subject": {"type": "account", "id": str(account_id)},
                "action": {"name": level},
                "resource": {"type": subject, "id": str(organization)},
                "context": context,
            },
            headers={"Authorization": f"Bearer {self.opened.issuer.machine('access:evaluate')}"},
        )
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found


async def bring_in(unit: Unit[Tools], *extracts: Path, dry_run: bool = False) -> ImportRow:
    """Import extracts to the end, as the command does."""
    return await carry_out(unit, await receive(unit, files(extracts), TEST, dry_run=dry_run))


async def carry_on(unit: Unit[Tools]) -> float | None:
    """What a worker does about imports once."""
    async with Ahead(unit) as ahead:
        return await running.carry_on(unit, ahead)


@pytest.fixture
async def firm(open_service: OpenService) -> Firm:
    """LAFORCE COMPTABLE INC. of the guide, with its two clients, and an individual for whom nobody acts yet."""
    opened = await open_service(service)
    done = await bring_in(opened.unit, EXTRACT)
    assert (done.rejected, done.created) == (0, done.read)
    rows = await opened.unit.pool.fetch(
        "select legal_name, organization_id from organizations join personal_fields on owner_id = organization_id"
        " order by number"
    )
    ids = {row["legal_name"]: row["organization_id"] for row in rows}
    firm_id = ids.pop("LAFORCE COMPTABLE INC.")
    individual_id = ids.pop("Démo Travailleuse")
    made = Firm(opened, firm_id, ids, individual_id, Someone(uuid4(), uuid4(), {}))
    made.responsible = await made.link(await made.contact("3000001"))
    return made
