"""The service under test as its tests see it: states arrive, people call, mails are opened."""

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import UUID, uuid4

import httpx
from joserfc import jwt
from joserfc.jwk import ECKey

from chassis.inbox import Claim
from chassis.letter import DeadLetter
from chassis.sealing import Sealer
from chassis.work import Unit
from contracts.accounts import Person
from contracts.authorizations import Contact, FunctionSpan, Organization
from contracts.events import Event, State
from contracts.flow import consumer_name
from contracts.notifications import LinkingCoordinatesContents, LinkingCoordinatesMail
from contracts.tokens import AUDIENCE
from services.linking.app import service
from services.linking.tools import Tools
from tests.fixtures.gateway import AGENTS

ISSUER_BASE = "https://accounts.example"
E = TypeVar("E", bound=Event)


@dataclass
class Clock:
    """Noon in Montréal on 1 December 2026, until a test moves it."""

    now: datetime = datetime(2026, 12, 1, 17, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Linking:
    """The service under test."""

    unit: Unit[Tools]
    http: httpx.AsyncClient
    clock: Clock
    notifications: Sealer
    signing_key: ECKey = field(repr=False)

    async def send(self, *states: Event, event_id: UUID | None = None) -> None:
        """Let states and events arrive, in this order, each once; `event_id` is the CloudEvents id of one."""
        handlers = {subscription.event: subscription.handler for subscription in service.subscriptions}
        for state in states:
            consumer = consumer_name("linking", state.topic)
            claim = Claim(consumer, event_id or uuid4(), state.topic.name, b"", ordered=False, letter=_no_letter)
            await self.unit.receive(handlers[type(state)], state, claim)

    async def forget(self, kind: type[State], key: UUID) -> None:
        """Let a tombstone arrive."""
        [forget] = [subscription.forget for subscription in service.subscriptions if subscription.event is kind]
        assert forget is not None
        await self.unit.run(forget, key, self.unit.origin.itself)

    async def published(self, kind: type[E]) -> list[E]:
        """Events of one type in the outbox, in order."""
        rows = await self.unit.pool.fetch("select headers, payload from outbox order by id")
        found = [row for row in rows if row["headers"]["ce_type"] == kind.type_name()]
        return [kind.model_validate_json(row["payload"]) for row in found]

    async def coordinates(self, contact_id: UUID) -> list[LinkingCoordinatesContents]:
        """What the mails with linking coordinates to this contact say, oldest first."""
        mails = await self.published(LinkingCoordinatesMail)
        return [
            self.notifications.open(mail.sealed, LinkingCoordinatesContents)
            for mail in mails
            if mail.recipient_id == contact_id
        ]

    async def code(self, contact_id: UUID) -> str:
        """The newest code mailed to this contact."""
        return (await self.coordinates(contact_id))[-1].code

    def bearer(self, account_id: UUID, *, epoch: int = 1, session_id: UUID | None = None) -> dict[str, str]:
        """Headers with a token as accounts would sign it."""
        now = int(time.time())
        claims = {
            "iss": f"{ISSUER_BASE}/people",
            "aud": AUDIENCE,
            "sub": str(account_id),
            "sid": str(session_id or uuid4()),
            "epoch": epoch,
            "auth_time": now,
            "exp": now + 300,
        }
        token = jwt.encode({"alg": "ES256", "kid": self.signing_key.kid, "typ": "at+jwt"}, claims, self.signing_key)
        return {"Authorization": f"Bearer {token}"}

    @property
    def agent(self) -> dict[str, str]:
        """Headers with the token of an agent."""
        claims: dict[str, Any] = {
            "iss": AGENTS.issuer,
            "aud": AGENTS.audience,
            "sub": "agent-1",
            "name": "Agent d’essai",
        }
        claims |= {"exp": int(time.time()) + 300}
        token = jwt.encode({"alg": "ES256", "kid": self.signing_key.kid, "typ": "at+jwt"}, claims, self.signing_key)
        return {"Authorization": f"Bearer {token}"}

    async def redeem(self, account_id: UUID, client_number: str, code: str, **headers: str) -> httpx.Response:
        """POST /v1/links."""
        body = {"method": "linking_coordinates", "client_number": client_number, "linking_code": code}
        sent = self.bearer(account_id) | {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.http.post("/v1/links", json=body, headers=sent)

    async def redeem_former(self, account_id: UUID, user_name: str, password: str, **headers: str) -> httpx.Response:
        """POST /v1/links with a former credential."""
        body = {"method": "former_credential", "user_name": user_name, "password": password}
        sent = self.bearer(account_id) | {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.http.post("/v1/links", json=body, headers=sent)

    async def profiles(self, account_id: UUID, **headers: str) -> list[dict[str, Any]]:
        """GET /v1/profiles."""
        response = await self.http.get("/v1/profiles", headers=self.bearer(account_id) | headers)
        assert response.status_code == 200, response.text
        body = response.json()
        assert body["total"] == len(body["items"])
        items: list[dict[str, Any]] = body["items"]
        return items

    async def everything_kept(self) -> str:
        """Every row of every table, as text: where a secret must not be found."""
        tables = await self.unit.pool.fetch("select tablename from pg_tables where schemaname = 'public'")
        rows = [
            row["whole"]
            for table in tables
            for row in await self.unit.pool.fetch(f"select t::text as whole from {table['tablename']} t")
        ]
        payloads = [bytes(row["payload"]).decode() for row in await self.unit.pool.fetch("select payload from outbox")]
        return "\n".join(rows + payloads)


def _no_letter(reason: str) -> DeadLetter:
    raise AssertionError(reason)


def an_account(**changes: Any) -> Person:
    """The state of an open account."""
    values: dict[str, Any] = {
        "account_id": uuid4(),
        "version": 1,
        "status": "active",
        "status_since": datetime(2026, 11, 1, tzinfo=UTC),
        "epoch": 1,
        "email": "person@mail.example",
        "given_name": "Camille",
        "family_name": "Tremblay",
        "language": "fr",
    }
    return Person(**values | changes)


def an_organization(**changes: Any) -> Organization:
    """The state of an active firm."""
    values: dict[str, Any] = {
        "organization_id": uuid4(),
        "version": 1,
        "kind": "firm",
        "number": "5000001",
        "legal_name": "LAFORCE COMPTABLE INC.",
        "status": "active",
        "language": "fr",
    }
    return Organization(**values | changes)


def a_contact(organization: Organization, **changes: Any) -> Contact:
    """The state of a staff member who is owed a first code."""
    values: dict[str, Any] = {
        "contact_id": uuid4(),
        "version": 1,
        "organization_id": organization.organization_id,
        "client_number": "3000001",
        "family_name": "Tremblay",
        "given_name": "Camille",
        "email": "camille@laforce.example",
        "language": "fr",
        "functions": (FunctionSpan(type="staff_member", starts_on="2020-01-01"),),
        "manages": (),
        "linking_code_generation": 1,
    }
    return Contact(**values | changes)


def changed(state: Any, **changes: Any) -> Any:
    """The next version of a state."""
    return state.model_copy(update={"version": state.version + 1} | changes)
