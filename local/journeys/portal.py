"""What a portal does on behalf of people: calls the gateways, waits for mails, reads codes from them."""

import asyncio
import base64
import json as encoded
import re
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

import httpx

from local.issuer import AGENTS
from local.journeys.narrator import Narrator, PromiseBroken
from local.journeys.platform import Platform

PATIENCE = 60.0
"""Seconds that a mail or an effect may take before the step counts as broken: as long as tests wait. An effect takes
less than one even beside others' work, and by itself 12 at most, where a lease has to end; the rest is for a machine
that gives us little of itself. It ends what hangs, and nothing is measured with it."""

LONGEST_SHOWN = 1_000
"""Characters of an answer that are shown when a step does not hold: a problem is shorter."""

LOOK_EVERY = 0.005

COMES_AGAIN = ("not_yet_applied", "account_not_yet_known")
"""Problems that say "the same request a moment later": what they wait for is on its way between services."""

ENDS_SOON = 120.0
"""Seconds before its end from which a token is exchanged for another: longer than one call and its waiting."""

ONE_TIME_CODE = re.compile(r"(?<!\d)(\d{3})\s?(\d{3})(?!\d)")
CLIENT_NUMBER = re.compile(r"(?:Numéro de client|Client number)\s*:\s*(\d+)")
LINKING_CODE = re.compile(r"(?<![0-9A-Z-])([0-9A-Z]{4})-([0-9A-Z]{4})-([0-9A-Z]{4})-([0-9A-Z])(?![0-9A-Z-])")

TEXTS = frozenset({"title", "detail", "label", "help", "message", "text", "why", "range", "function", "rule_text"})
"""Fields of answers that hold words for people, besides those whose names end in _name or _text."""

NAMES = frozenset({"family_name", "given_name", "legal_name", "user_name"})
"""Fields that hold a name, the same in every language."""

Language = Literal["fr", "en"]
Service = Literal["accounts", "linking", "authorizations", "notifications"]


@dataclass
class Someone:
    """A person at the portal: who they are, and what the portal keeps for them while they are signed in.

    `etag` is the version of what they opened last, for the change that follows.
    """

    email: str
    password: str
    given_name: str
    family_name: str
    language: Language
    account_id: str = ""
    access_token: str = ""
    refresh_token: str = ""
    profile: str = ""
    after: str = ""
    etag: str = ""
    registrations: list[str] = field(default_factory=list)

    @property
    def headers(self) -> dict[str, str]:
        """Of the next request: language, token, chosen profile, and what the last change wrote."""
        found: dict[str, str] = {"Accept-Language": self.language}
        if self.access_token:
            found["Authorization"] = f"Bearer {self.access_token}"
        if self.profile:
            found["Mandat-Profile"] = self.profile
        if self.after:
            found["Mandat-After"] = self.after
        return found


@dataclass
class Portal:
    """One portal, against one running platform. `texts` are those that it was answered for readers of each language."""

    platform: Platform
    narrator: Narrator
    http: httpx.AsyncClient
    agent_reads: Language = "fr"
    texts: dict[Language, set[str]] = field(default_factory=lambda: {"fr": set(), "en": set()})

    async def call(
        self,
        who: Someone,
        service: Service,
        method: str,
        path: str,
        *,
        expect: int,
        json: Any = None,
        headers: dict[str, str] | None = None,
    ) -> Any:
        """One request as the person. Returns the JSON body, a table's text, or None; keeps Mandat-After and ETag."""
        started = time.perf_counter()
        response = await self.answer(who, service, method, path, json=json, headers=headers)
        shown = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{21}([0-9a-f]{6})", r"…\1", path)
        took = (time.perf_counter() - started) * 1000
        self.narrator.called(service, method, shown, response.status_code, took, response.text[:LONGEST_SHOWN])
        if response.status_code != expect:
            raise PromiseBroken(f"{method} {path} answered {response.status_code}, not {expect}")
        if after := response.headers.get("mandat-after"):
            who.after = after
        who.etag = response.headers.get("etag", who.etag)
        if response.headers.get("content-type", "").startswith("text/csv"):
            return response.text
        answer = response.json() if response.content else None
        self.texts[who.language].update(_texts(answer) if "Accept-Language" not in (headers or {}) else ())
        return answer

    async def answer(
        self,
        who: Someone,
        service: Service,
        method: str,
        path: str,
        *,
        headers: dict[str, str] | None = None,
        **sent: Any,
    ) -> httpx.Response:
        """What a gateway answers the person; asked again, as portals do, until it knows what others tell it.

        That takes seconds where a machine has little to give us, and a token ends meanwhile: then the session goes on.
        """
        await self._go_on(who)
        url, told = self.platform.gateway(service) + path, who.headers | (headers or {})

        async def applied() -> httpx.Response | None:
            response = await self.http.request(method, url, headers=told, **sent)
            comes_again = response.status_code == 409 and response.json().get("code") in COMES_AGAIN
            return None if comes_again else response

        found: httpx.Response = await self.until(applied, f"what {method} {path} was told to wait for")
        return found

    async def _go_on(self, who: Someone) -> None:
        """Another token for whoever is signed in with one that ends soon; a session that is over stays so."""
        if not (who.access_token and who.refresh_token) or _seconds_left(who.access_token) > ENDS_SOON:
            return
        body = {"refresh_token": who.refresh_token}
        answer = await self.http.post(f"{self.platform.gateway('accounts')}/v1/sessions/refresh", json=body)
        if answer.status_code == 200:
            who.access_token, who.refresh_token = answer.json()["access_token"], answer.json()["refresh_token"]

    async def upload(self, who: Someone, content: bytes) -> str:
        """A file for a form, by its id."""
        headers = {"Content-Type": "application/pdf"}
        answer = await self.answer(who, "authorizations", "POST", "/v1/attachments", content=content, headers=headers)
        answer.raise_for_status()
        return str(answer.json()["attachment_id"])

    async def extract(self, agent: Someone, lines: bytes, *, dry_run: bool) -> Any:
        """The rows of an extract, as an agent sends them. What is known of the import once it was carried out."""
        imports = f"{self.platform.gateway('authorizations')}/v1/imports"
        headers = agent.headers | {"Content-Type": "application/x-ndjson"}
        made = await self.http.post(imports, params={"dry_run": dry_run}, content=lines, headers=headers)
        made.raise_for_status()

        async def carried_out() -> Any:
            found = (await self.http.get(f"{imports}/{made.json()['import_id']}", headers=agent.headers)).json()
            return found if found["state"] == "done" else None

        return await self.until(carried_out, "the end of the import")

    async def agent(self) -> Someone:
        """A demo agent of the agency, with a token of the demo issuer."""
        name = next(iter(AGENTS.values()))
        answer = await self.http.post(f"{self.platform.demo_issuer}/token", json={"name": name})
        return Someone("", "", name, "", self.agent_reads, access_token=answer.json()["access_token"])

    async def machine(self) -> Someone:
        """Another system of the agency, with a token of its own client."""
        client_id, secret = self.platform.machine
        answer = await self.http.post(
            f"{self.platform.gateway('accounts')}/oauth2/token",
            data={"grant_type": "client_credentials", "scope": "access:evaluate"},
            auth=(client_id, secret),
        )
        answer.raise_for_status()
        return Someone("", "", client_id, "", "fr", access_token=answer.json()["access_token"])

    async def mail(
        self, address: str, since: datetime, what: str, holding: str | re.Pattern[str] = ""
    ) -> dict[str, Any]:
        """The first mail to an address that arrived after an instant and holds what is looked for.

        One that an earlier step caused may come after the instant too.
        """

        async def look() -> dict[str, Any] | None:
            found = await self.http.get(
                f"{self.platform.inbox}/mails", params={"to": address, "since": since.isoformat()}
            )
            mails: list[dict[str, Any]] = found.json()
            return next((mail for mail in mails if re.search(holding, mail["text"])), None)

        found: dict[str, Any] = await self.until(look, f"{what} to {address}")
        arrived = datetime.fromisoformat(found["received_at"])
        self.narrator.arrived(f"mail to {address}: “{found['subject']}”", (arrived - since).total_seconds() * 1000)
        return found

    async def until(self, look: Callable[[], Awaitable[Any]], what: str) -> Any:
        """Look until there is something. Raises PromiseBroken when nothing came in time."""
        deadline = time.monotonic() + PATIENCE
        while not (found := await look()):
            if time.monotonic() > deadline:
                raise PromiseBroken(f"{what} did not arrive within {PATIENCE:.0f} seconds")
            await asyncio.sleep(LOOK_EVERY)
        return found


def _texts(answer: Any) -> Iterator[str]:
    """The words for people in an answer, whatever they stand in."""
    match answer:
        case dict():
            for name, value in answer.items():
                if isinstance(value, str):
                    if name in TEXTS or (name.endswith(("_text", "_name")) and name not in NAMES):
                        yield value
                else:
                    yield from _texts(value)
        case list():
            for value in answer:
                yield from _texts(value)
        case _:
            return


def _seconds_left(token: str) -> float:
    """Until the end of a token, by this machine's clock."""
    claims = token.split(".")[1]
    ends: float = encoded.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["exp"]
    return ends - time.time()


def code_in(mail: dict[str, Any], form: re.Pattern[str]) -> str:
    """The code that a mail shows as text."""
    found = form.search(mail["text"])
    if found is None:
        raise PromiseBroken(f"no code stands in the mail “{mail['subject']}”")
    return "".join(found.groups())


def now() -> datetime:
    """This instant, in UTC."""
    return datetime.now(UTC)
