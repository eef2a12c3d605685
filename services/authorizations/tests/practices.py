"""A practice of the agency RAMQ with its professional, and mandates that wait to be signed."""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx

from chassis import keys
from chassis.sealing import Sealer
from chassis.work import Work
from contracts.notifications import MandateContents, MandateToSignContents
from local import ROOT
from services.authorizations.app import service
from services.authorizations.mandates import storage as mandates
from services.authorizations.mandates.domain import AskedMandate
from services.authorizations.mandates.locking import locked
from services.authorizations.mandates.storage import NewMandate
from services.authorizations.mandates.text import read_text
from services.authorizations.personal import storage as personal_fields
from services.authorizations.personal.domain import Personal
from services.authorizations.requests import storage as requests
from services.authorizations.requests.storage import NewRequest
from services.authorizations.signatures.domain import text_digest
from services.authorizations.tests.conftest import TEST, Firm, Someone, bring_in
from services.authorizations.tools import Tools
from tests.fixtures.gateway import OpenService

DELEGATE = Personal("Déléguée", "Démo", "deleguee@example.org", [], "fr")
DEMO = ROOT / "agencies" / "ramq" / "demo" / "organizations.ndjson"


@dataclass
class Practice:
    """The opened service with a practice in it, and its professional."""

    at: Firm
    organization_id: UUID
    professional: Someone
    sealer: Sealer = field(repr=False)

    @property
    def client(self) -> httpx.AsyncClient:
        return self.at.client

    @property
    def pool(self) -> Any:
        return self.at.opened.unit.pool

    async def mandate(self, delegate: Personal = DELEGATE, list_id: UUID | None = None, **asked: Any) -> UUID:
        """A mandate that nobody has signed."""

        async def make(work: Work[Tools], request_id: UUID) -> None:
            profession = "physician"
            values = {"subject": "online_billing", "level": "write", "type": "billing_clerk", "profession": profession}
            wanted = AskedMandate(**values | {"starts_on": work.today} | asked)
            new = NewRequest(
                request_id=request_id, kind="mandate", reason=None, organization_id=self.organization_id, other=None,
                asked_by_organization_id=self.organization_id, asked_by_contact_id=self.professional.contact_id,
                asked_by_account_id=None, claim_id=None, asked_by=f"account:{self.professional.account_id}",
                asked=wanted, decider="agents", lapses_on=work.today + timedelta(days=30), to_tell=None,
                state="signing",
            )  # fmt: skip
            await requests.add(work.connection, new, work.now)
            sides = uuid4(), uuid4()
            await mandates.add(
                work.connection,
                NewMandate(
                    request_id, list_id, "fr", delegate.language, sides[0], self.professional.account_id,
                    self.professional.contact_id, sides[1],
                ),
            )  # fmt: skip
            professional = Personal("Praticienne", "Démo", None, [], "fr")
            await personal_fields.describe(work.connection, request_id, delegate)
            await personal_fields.describe(work.connection, sides[0], professional)
            await personal_fields.describe(work.connection, sides[1], replace(delegate, email=None))

        request_id = self.at.opened.unit.origin.new_id()
        await self.at.opened.unit.run(make, request_id, TEST)
        return request_id

    async def text(self, mandate_id: UUID, side: Any = "professional") -> str:
        """What a side reads."""

        async def read(work: Work[Tools], _: None) -> str:
            found = await locked(work, mandate_id)
            assert found is not None
            return await read_text(work, *found, side)

        return (await self.at.opened.unit.run(read, None, TEST)).outcome

    def ticked(self, side: Any) -> list[dict[str, Any]]:
        """The statements of a side."""
        agency = self.at.opened.tools.agency
        assert agency.mandates is not None
        found = [agency.attestations[code] for code in agency.mandates.attestations.of(side)]
        return [{"code": a.code, "version": a.version} for a in found]

    async def proof(self, mandate_id: UUID, **changes: Any) -> str:
        """The password, given again for the mandate's text."""
        values: dict[str, Any] = {
            "account_id": self.professional.account_id,
            "digest": text_digest(await self.text(mandate_id)),
        }
        return self.at.opened.issuer.proof("mandate_signature", **values | changes)

    def address_proof(self, email: str = "deleguee@example.org") -> str:
        return self.at.opened.issuer.proof("mandate_address", email=email)

    async def sign(self, mandate_id: UUID, headers: dict[str, str] | None = None, **body: Any) -> httpx.Response:
        """The professional signs."""
        given = {"attestations": self.ticked("professional")} | body
        if "proof" not in given:
            given["proof"] = await self.proof(mandate_id)
        return await self.client.post(
            f"/v1/mandates/{mandate_id}/signatures", json=given, headers=headers or self.professional.headers
        )

    async def countersign(
        self, mandate_id: UUID, token: str, headers: dict[str, str] | None = None, **body: Any
    ) -> httpx.Response:
        """The delegate signs the text as it reads now."""
        given = {
            "token": token,
            "person": {"family_name": "Déléguée", "given_name": "Démo"},
            "attestations": self.ticked("delegate"),
        } | body
        given.setdefault("address_proof", self.address_proof())
        if "digest" not in given:
            given["digest"] = text_digest(await self.text(mandate_id, "delegate"))
        return await self.client.post(
            f"/v1/mandates/{mandate_id}/signatures", json=given, headers=headers or {"Accept-Language": "fr"}
        )

    async def tokens(self) -> list[str]:
        """Those of the mails to delegates, as their readers have them."""
        mails = await self.at.opened.published("MandateToSignMail")
        return [self.sealer.open(mail["sealed"], MandateToSignContents).token for mail in mails]

    async def told(self, change: str) -> list[str]:
        """The addresses at which somebody was told that this became of a mandate."""
        mails = await self.at.opened.published("MandateChangedMail")
        return sorted(
            self.sealer.open(mail["sealed"], MandateContents).address
            for mail in mails
            if mail["mandate_change"] == change
        )

    async def state(self, mandate_id: UUID) -> str:
        found: str = await self.pool.fetchval("select state from requests where request_id = $1", mandate_id)
        return found


async def a_practice(open_service: OpenService, keyring_folder: Path) -> Practice:
    """The demonstration's, whose professional is linked."""
    opened = await open_service(service, agency=ROOT / "agencies" / "ramq")
    done = await bring_in(opened.unit, DEMO)
    assert (done.rejected, done.created) == (0, done.read)
    at = Firm(opened, uuid4(), {}, uuid4(), Someone(uuid4(), uuid4(), {}))
    contact_id = await at.contact("1200001")
    organization_id = await opened.unit.pool.fetchval(
        "select organization_id from contacts where contact_id = $1", contact_id
    )
    at.firm_id, at.responsible = organization_id, await at.link(contact_id)
    sealer = Sealer(keys.read(keyring_folder / "notifications.json"), keys.read_public(keyring_folder / "public.json"))
    return Practice(at, organization_id, at.responsible, sealer)
