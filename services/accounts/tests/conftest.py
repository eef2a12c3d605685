"""The service behind its real gateway, on a real database, with a clock that tests move."""

import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from joserfc.jwk import KeySet

from chassis import gateway, keys
from chassis.database import Pool
from chassis.gateway import Gateway
from chassis.sealing import Sealer
from chassis.service import platform
from chassis.tokens import Verifier
from chassis.work import Unit
from contracts.agency.limits import Budget, LimitName
from contracts.events import REGISTRY, Event
from contracts.notifications import (
    Contents,
    MailRequest,
    VerificationCodeContents,
    VerificationCodeMail,
    VerificationLinkContents,
    VerificationLinkMail,
)
from local import ROOT
from services.accounts.app import service
from services.accounts.settings import AccountsSettings, MachineClient
from services.accounts.tools import Tools
from tests.fixtures.gateway import AGENTS, Issuer, with_routes_read_once
from tests.fixtures.stack import Database

E = TypeVar("E", bound=Event)
M = TypeVar("M", bound=MailRequest)

PASSWORD = "une phrase de passe pour essayer"
ASKED: Mapping[str, Mapping[str, str]] = {"ccq": {}, "wsscc": {"telephone": "+1 867 555-0100", "territory": "nu"}}
"""What each agency asks of whoever registers, answered."""

MACHINE_SECRET = "a random secret of the other system: 41c2+9/="
MACHINE = MachineClient(
    client_id="payroll",
    secret_digest=sha256(MACHINE_SECRET.encode()).hexdigest(),
    scopes=("access:check", "access:search"),
)
BASE = "http://accounts.test"


@dataclass
class Clock:
    """The beginning of the next hour, plus what a test adds: however slow the machine is, nothing ends unasked.

    Each look takes it a microsecond on, so that no two acts are of one instant. Tokens are verified as of where it
    began, so that they stay good whatever a test adds.
    """

    began: datetime = field(default_factory=lambda: datetime.fromtimestamp(3600 * (time.time() // 3600 + 1), UTC))
    ahead: timedelta = timedelta()
    _looks: "Iterator[int]" = field(default_factory=count, repr=False)

    def __call__(self) -> datetime:
        return self.began + self.ahead + timedelta(microseconds=next(self._looks))

    def of_tokens(self) -> float:
        return self.began.timestamp()

    def advance(self, **duration: float) -> None:
        self.ahead += timedelta(**duration)


@dataclass
class Signed:
    """A person who is signed in."""

    account_id: UUID
    access_token: str
    refresh_token: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.access_token}"}


@dataclass
class Accounts:
    """The service under test, and what a test looks at."""

    client: httpx.AsyncClient
    unit: Unit[Tools]
    pool: Pool
    verifier: Verifier
    clock: Clock
    notifications: Sealer
    issuer: Issuer
    asked: Mapping[str, str]
    set_unit: Callable[[Unit[Tools]], None] = field(repr=False)
    app: FastAPI = field(repr=False)

    @asynccontextmanager
    async def elsewhere(self, host: str) -> AsyncIterator["Accounts"]:
        """The same service as somebody at another network address sees it."""
        transport = httpx.ASGITransport(self.app, client=(host, 4711))
        async with httpx.AsyncClient(transport=transport, base_url=BASE) as client:
            yield replace(self, client=client)

    async def register(self, email: str = "membre@laforce.example", **fields: Any) -> httpx.Response:
        body = {
            "email": email,
            "password": PASSWORD,
            "given_name": "Démo",
            "family_name": "Membre",
            "language": "fr",
            "terms_version": "2026-01",
            "fields": self.asked,
        }
        return await self.client.post("/v1/registrations", json=body | fields)

    async def verify(self, registration_id: str, code: str) -> httpx.Response:
        return await self.client.post(f"/v1/registrations/{registration_id}/verification", json={"code": code})

    async def resend(self, registration_id: str) -> httpx.Response:
        return await self.client.post(f"/v1/registrations/{registration_id}/resend")

    async def sign_in(self, login: str = "membre@laforce.example", password: str = PASSWORD) -> httpx.Response:
        return await self.client.post("/v1/sessions", json={"login": login, "password": password})

    async def refresh(self, refresh_token: str) -> httpx.Response:
        return await self.client.post("/v1/sessions/refresh", json={"refresh_token": refresh_token})

    async def confirm(self, registration_id: str, token: str, password: str = PASSWORD) -> httpx.Response:
        """What the page of a registration's link posts."""
        body = {"token": token, "password": password}
        return await self.client.post(f"/v1/registrations/{registration_id}/verification", json=body)

    async def link(self, registration_id: str) -> tuple[str, str]:
        """What the page reads out of the link in the latest mail: the registration's id, and the token."""
        mail, contents = (await self.mails(registration_id))[-1]
        assert isinstance(mail, VerificationLinkMail)
        assert isinstance(contents, VerificationLinkContents)
        in_link, _, token = contents.token.partition(".")
        return in_link, token

    async def opened(self, email: str = "membre@laforce.example", **fields: Any) -> Signed:
        """A person whose account is open, in its first session."""
        accepted = await self.register(email, **fields)
        assert accepted.status_code == 202, accepted.text
        registration_id = accepted.json()["registration_id"]
        if self.unit.tools.agency.accounts.confirmation == "link":
            verified = await self.confirm(*await self.link(registration_id))
        else:
            verified = await self.verify(registration_id, await self.code(registration_id))
        assert verified.status_code == 201, verified.text
        return signed(verified)

    async def events(self, kind: type[E]) -> list[E]:
        """What waits in the outbox of this kind and its subclasses, the oldest first; no tombstone is one."""
        rows = await self.pool.fetch("select headers, payload from outbox where payload is not null order by id")
        read = [REGISTRY[row["headers"]["ce_type"]].model_validate_json(row["payload"]) for row in rows]
        return [event for event in read if isinstance(event, kind)]

    async def mails(self, registration_id: str) -> list[tuple[MailRequest, Contents]]:
        """The registration's mails, opened as notifications would."""
        found = await self.events(MailRequest)
        return [
            (mail, self.notifications.open(mail.sealed, mail.contents))
            for mail in found
            if mail.replaces == f"verification:{registration_id}"
        ]

    async def mailed(self, kind: type[M]) -> list[tuple[M, Contents]]:
        """The mails of a kind, the oldest first, opened as notifications would."""
        return [(mail, self.notifications.open(mail.sealed, mail.contents)) for mail in await self.events(kind)]

    async def last_code(self, kind: type[MailRequest]) -> str:
        """The code in the last mail of a kind."""
        _, contents = (await self.mailed(kind))[-1]
        assert isinstance(contents, VerificationCodeContents)
        return contents.code

    async def post(self, path: str, body: object, headers: dict[str, str] | None = None) -> httpx.Response:
        return await self.client.post(path, json=body, headers=headers or {})

    @property
    def agent(self) -> dict[str, str]:
        """The headers of an agent."""
        return {"Authorization": f"Bearer {self.issuer.agent()}"}

    async def code(self, registration_id: str) -> str:
        """The code in the registration's latest mail."""
        mail, contents = (await self.mails(registration_id))[-1]
        assert isinstance(mail, VerificationCodeMail)
        assert isinstance(contents, VerificationCodeContents)
        return contents.code

    async def everything(self, *, but: tuple[str, ...] = ()) -> dict[str, str]:
        """Every table's rows as text, to search them."""
        tables = await self.pool.fetch("select tablename from pg_tables where schemaname = 'public'")
        return {
            name: "\n".join([row[0] for row in await self.pool.fetch(f'select "{name}"::text from "{name}"')])
            for name in (row["tablename"] for row in tables)
            if name not in but
        }

    def agency(self, **changes: Any) -> None:
        """Give the agency other data."""
        tools = self.unit.tools
        self.unit = replace(self.unit, tools=replace(tools, agency=replace(tools.agency, **changes)))
        self.set_unit(self.unit)

    def limit(self, name: LimitName, count: int) -> None:
        """Give the agency another budget."""
        tools = self.unit.tools
        attempts = {**tools.agency.limits.attempts, name: Budget(count=count, per_seconds=3600)}
        self.agency(limits=tools.agency.limits.model_copy(update={"attempts": attempts}))


def signed(response: httpx.Response) -> Signed:
    """The person that an answer with tokens signs in."""
    body = response.json()
    return Signed(UUID(body["account_id"]), body["access_token"], body["refresh_token"])


def wrong(code: str) -> str:
    """Another code."""
    return f"{(int(code) + 1) % 10**6:06}"


@pytest.fixture
async def accounts(database: Database, tmp_path: Path) -> AsyncIterator[Accounts]:
    async with _accounts("ccq", database, tmp_path) as found:
        yield found


@pytest.fixture
async def wsscc(database: Database, tmp_path: Path) -> AsyncIterator[Accounts]:
    """The service of an agency with two portals, registration fields, and confirmation by a link."""
    async with _accounts("wsscc", database, tmp_path) as found:
        yield found


@pytest.fixture
async def proving(accounts: Accounts) -> Accounts:
    """The service of an agency with mandates, for whose signatures it proves passwords and addresses."""
    accounts.limit("address_proof_tries", 20)
    accounts.agency(features=accounts.unit.tools.agency.features | {"mandates"})
    return accounts


@asynccontextmanager
async def _accounts(agency: str, database: Database, tmp_path: Path) -> AsyncIterator[Accounts]:
    own, other = keys.generate("accounts"), keys.generate("notifications")
    own.write(tmp_path / "keyring.json")
    keys.write_public([own, other], tmp_path / "sealing.json")
    settings = AccountsSettings(
        agency=ROOT / "agencies" / agency,
        database_url=await database("accounts"),
        gateway_port=1,
        operations_port=1,
        keyring=tmp_path / "keyring.json",
        sealing_keys=tmp_path / "sealing.json",
        issuer_base=BASE,
        machines=(MACHINE,),
    )
    clock = Clock()
    async with platform(service, settings) as (built, plain):
        unit = replace(plain, origin=replace(plain.origin, clock=clock))
        app = gateway.build("accounts", service.description, service.routers, "fr")
        app = with_routes_read_once(app, service.routers)
        verifier = Verifier(BASE, (AGENTS,), built.pool, service="accounts", clock=clock.of_tokens)
        issuer = Issuer()
        verifier.learn(AGENTS.jwks_uri, KeySet([issuer.key]))

        def set_unit(changed: Unit[Tools]) -> None:
            app.state.gateway = Gateway(changed, verifier, {}, "fr")

        set_unit(unit)
        transport = httpx.ASGITransport(app, client=("203.0.113.7", 4711))
        async with httpx.AsyncClient(transport=transport, base_url=BASE) as client:
            published = await client.get("/.well-known/jwks.json")
            verifier.learn(f"{BASE}/.well-known/jwks.json", KeySet.import_key_set(published.json()))
            public = keys.read_public(settings.sealing_keys)
            yield Accounts(
                client, unit, built.pool, verifier, clock, Sealer(other, public), issuer, ASKED[agency], set_unit, app
            )
