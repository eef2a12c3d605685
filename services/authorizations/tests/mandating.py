"""Practices of an agency with mandates, and what tests of mandates say again and again."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID, uuid4

import httpx

from chassis.work import Work
from contracts.accounts import Person
from contracts.agency.mandates import MandateSide
from local import ROOT
from services.authorizations.accounts.handlers import follow_account
from services.authorizations.app import service
from services.authorizations.mandates.completing import signed, verified
from services.authorizations.mandates.locking import locked
from services.authorizations.tests.conftest import TEST, Firm, Someone, bring_in
from services.authorizations.tools import Tools
from tests.fixtures.gateway import Opened, OpenService

AGENCY = ROOT / "agencies" / "ramq"
EXTRACT = AGENCY / "demo" / "organizations.ndjson"
ANSWERS = {
    "who_asks": "professional", "who_acts": "staff_member", "which_service": "billing_and_payments",
    "who_signs": "i_will", "addresses": "both_have", "how_to_sign": "on_screen",
}  # fmt: skip
PHYSICIAN, DENTIST, PHARMACIST = "1200001", "1300001", "1400001"


@dataclass
class Practices:
    """The opened service with the demonstration's practices, whose professionals are linked."""

    opened: Opened[Tools]
    physician: Someone
    dentist: Someone
    numbers: Any = field(default_factory=count)

    @property
    def client(self) -> httpx.AsyncClient:
        return self.opened.client

    @property
    def agent(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.opened.issuer.agent()}", "Accept-Language": "fr"}

    @property
    def today(self) -> date:
        return self.opened.tools.moment(datetime.now(UTC)).day

    def wanted(self, **changes: Any) -> dict[str, Any]:
        """A mandate of somebody new for a service of the physician's."""
        delegate = {
            "family_name": "Adjointe", "given_name": "Démo", "language": "fr",
            "email": f"adjointe{next(self.numbers)}@example.org",
        } | changes.pop("delegate", {})  # fmt: skip
        body = {"service": "online_billing", "role": "administrative_staff", "language": "fr"}
        return body | {"delegate": delegate} | changes

    async def ask(self, *wanted: dict[str, Any], **changes: Any) -> httpx.Response:
        """Ask for mandates, as the physician unless `by` says otherwise."""
        by, key = changes.pop("by", self.physician), changes.pop("key", None)
        body = {"questionnaire": "delegate_access", "answers": ANSWERS, "mandates": list(wanted)} | changes
        headers = by.headers | ({"Idempotency-Key": key} if key else {})
        return await self.client.post("/v1/mandates", json=body, headers=headers)

    async def asked(self, **changes: Any) -> str:
        """The id of a mandate that both sides have to sign."""
        by = changes.pop("by", self.physician)
        answer = await self.ask(self.wanted(**changes), by=by)
        assert answer.status_code == 201, answer.text
        [item] = answer.json()["items"]
        assert item["problem"] is None, item
        return str(item["mandate_id"])

    async def sign(self, mandate_id: str, side: MandateSide) -> bool:
        """A side signs the text as it reads now."""
        return await self._change(mandate_id, side, None)

    async def verify(self, mandate_id: str, side: MandateSide, email: str) -> bool:
        """A side has proven to have an address."""
        return await self._change(mandate_id, side, email)

    async def _change(self, mandate_id: str, side: MandateSide, email: str | None) -> bool:
        async def change(work: Work[Tools], _: None) -> bool:
            found = await locked(work, UUID(mandate_id))
            assert found is not None
            if email is not None:
                return await verified(work, *found, side, email)
            return await signed(work, *found, side)

        return (await self.opened.unit.run(change, None, TEST)).outcome

    async def complete(self, mandate_id: str, email: str | None = None) -> str:
        """Both sides sign and verify an address each; agents have it now."""
        for side in ("professional", "delegate"):
            await self.sign(mandate_id, side)
        await self.verify(mandate_id, "professional", f"{uuid4().hex}@example.org")
        assert await self.verify(mandate_id, "delegate", email or f"{uuid4().hex}@example.org")
        return mandate_id

    async def complete_one(self, **changes: Any) -> str:
        """The id of a mandate that waits for agents."""
        email = changes.pop("email", None)
        return await self.complete(await self.asked(**changes), email)

    async def show(self, mandate_id: str, headers: dict[str, str] | None = None) -> dict[str, Any]:
        """A mandate, as the physician sees it unless `headers` say otherwise."""
        answer = await self.client.get(f"/v1/mandates/{mandate_id}", headers=headers or self.physician.headers)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def act(self, mandate_id: str, what: str, headers: dict[str, str], **body: Any) -> httpx.Response:
        """Do something with a mandate: /v1/mandates/{id}/{what}."""
        return await self.client.post(f"/v1/mandates/{mandate_id}/{what}", json=body, headers=headers)

    async def decide(
        self, mandate_id: str, outcome: str = "approve", headers: dict[str, str] | None = None, **body: Any
    ) -> httpx.Response:
        """Decide a mandate as it stands, as an agent."""
        headers = headers or self.agent
        seen = await self.client.get(f"/v1/requests/{mandate_id}", headers=headers)
        return await self.client.post(
            f"/v1/requests/{mandate_id}/decision",
            json={"outcome": outcome, **body},
            headers=headers | {"If-Match": seen.headers.get("etag", '"1"')},
        )

    async def approved(self, **changes: Any) -> dict[str, Any]:
        """A mandate that an agent has approved, as the professional sees it."""
        by = changes.get("by", self.physician)
        mandate_id = await self.complete_one(**changes)
        answer = await self.decide(mandate_id)
        assert answer.status_code == 200, answer.text
        return await self.show(mandate_id, by.headers)

    async def events(self) -> list[str]:
        """The names of the events that were published, in their order."""
        return [str(event["name"]) for event in await self.opened.published()]

    async def forget_days(self, mandate_id: str, days: int) -> None:
        """Move a mandate's last day so many days nearer."""
        await self.opened.unit.pool.execute(
            "update requests set lapses_on = lapses_on - $2::integer where request_id = $1", UUID(mandate_id), days
        )

    async def follow(self, account_id: UUID | None = None, **changes: Any) -> UUID:
        """Accounts tell of an account: a new one, or what has changed of one that is known. Returns its id."""
        account_id = account_id or uuid4()
        told = {
            "account_id": account_id, "version": 2 + next(self.numbers), "status": "active", "epoch": 0,
            "status_since": datetime.now(UTC), "family_name": "Autre", "given_name": "Personne", "language": "fr",
            "email": f"{account_id.hex}@example.org",
        }  # fmt: skip
        await self.opened.unit.run(follow_account, Person.model_validate(told | changes), TEST)
        return account_id

    async def link(self, contact_id: UUID) -> Someone:
        """Open an account and link it to a contact."""
        since = datetime.now(UTC) - timedelta(days=1)
        return await Firm(self.opened, contact_id, {}, contact_id, self.physician).link(contact_id, since)


async def practices(open_service: OpenService, **settings: Any) -> Practices:
    """The demonstration's practices, a physician's and a dentist's with their accounts."""
    opened = await open_service(service, **({"agency": AGENCY} | settings))
    done = await bring_in(opened.unit, EXTRACT)
    assert (done.rejected, done.created) == (0, done.read)
    nobody = Someone(uuid4(), uuid4(), {})
    world = Practices(opened, nobody, nobody)
    ids = {
        number: await opened.unit.pool.fetchval(
            "select contact_id from contacts where client_number = $1", number
        )
        for number in (PHYSICIAN, DENTIST)
    }  # fmt: skip
    world.physician, world.dentist = await world.link(ids[PHYSICIAN]), await world.link(ids[DENTIST])
    return world
