"""A portal that never gives up: a request without an answer is sent again, the same, until there is one."""

import asyncio
import base64
import contextlib
import csv
import json as json_module
import random
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx

from chassis.database import neighbour_failed
from local import Problem
from local.journeys.portal import Service, Someone
from tests.faults.ground import Ground
from tests.faults.history import Command, History, Kind

PATIENCE = 5.0
"""Seconds for one answer; a gateway whose database is away answers within that, or its process is gone."""

COMES_AGAIN = ("idempotency_in_progress", "not_yet_applied", "account_not_yet_known", "too_many_attempts",
               "resend_too_soon", "unavailable")  # fmt: skip
"""Problems that say "the same request a moment later"."""

LOOK_EVERY = 0.25
PAUSE = (0.2, 1.0)
LONG = 2.0
"""Seconds of Retry-After for which nobody stays when the load has ended: it is a limit that says so, not a fault."""

LAST_ANSWERS = 60.0
"""Seconds after the end of the load in which what was asked is still repeated."""


class Leaves(Exception):
    """A person goes away: the load ends, or an answer leaves nothing to do."""


class Refused(Leaves):
    """A command was answered, with a no."""

    def __init__(self, command: Command) -> None:
        super().__init__(f"{command.kind} answered {command.problem}")
        self.command = command


@dataclass
class Pace:
    """Lets so many commands a second begin, however many people want to."""

    per_second: float
    _next: float = 0.0

    async def turn(self) -> None:
        """Returns when it is the caller's turn."""
        at = asyncio.get_running_loop().time()
        self._next = max(self._next + 1 / self.per_second, at)
        await asyncio.sleep(self._next - at)


@dataclass
class Client:
    """What every person of the load acts through. `ending` tells them to begin nothing more."""

    ground: Ground
    http: httpx.AsyncClient
    history: History
    chance: random.Random
    pace: Pace
    ending: asyncio.Event
    _ended_at: float | None = field(default=None)

    async def command(
        self,
        kind: Kind,
        who: Someone,
        service: Service,
        method: str,
        path: str,
        *,
        asked: Mapping[str, str],
        json: Any = None,
        content: bytes | None = None,
        version: str = "",
        keyed: bool = False,
        done_before: Collection[str] = (),
        not_yet: Collection[str] = (),
    ) -> Command:
        """Give a command until it is answered. Raises Refused when the answer is no, Leaves when the load ends before.

        `content` stands in place of `json`, `version` is the ETag of what was seen. `done_before` are problems that,
        after a request without an answer, mean that that one was carried out; nothing is then known of what it made.
        `not_yet` are problems that a moment later are none: what it needs is on its way.
        """
        if self.ending.is_set():
            raise Leaves
        await self.pace.turn()
        key = f"{kind}-{self.chance.getrandbits(64):016x}" if keyed else None
        command = self.history.begin(Command(kind, asked, now(), key, f"{method} {path}" if keyed else ""))
        headers = {"Idempotency-Key": key} if key else {}
        headers |= {"If-Match": version} if version else {}
        while True:
            command.requests += 1
            response = await self._once(who, service, method, path, headers, json=json, content=content)
            problem = None if response is None or response.status_code < 400 else _problem(response)
            if response is None or response.status_code >= 500:
                command.unanswered += 1
            elif response.status_code == 401 and who.password and kind is not Kind.SIGN_IN:
                await self.sign_in(who)
                continue
            elif problem not in COMES_AGAIN and problem not in not_yet:
                return self._settled(command, who, response, problem, done_before)
            await self._pause(response)

    def _settled(
        self, command: Command, who: Someone, response: httpx.Response, problem: str | None, done: Collection[str]
    ) -> Command:
        command.answered_at, command.status, command.problem = now(), response.status_code, problem
        if after := response.headers.get("mandat-after"):
            who.after = after
        if problem in done and command.unanswered:
            command.status, command.problem, command.presumed = 200, None, True
        elif problem is not None:
            raise Refused(command)
        elif response.content:
            command.made = response.json()
            if token := command.made.get("access_token"):
                command.made["session_id"] = session_of(token)
        return command

    async def bring_in(self, number: str, trade_name: str) -> None:
        """Import an organization under a new trade name, again and again until the command says that it did."""
        asked = {"number": number, "trade_name": trade_name}
        command = self.history.begin(Command(Kind.IMPORT, asked, now()))
        while not command.accepted:
            command.requests += 1
            try:
                await asyncio.to_thread(self.ground.bring_in, number, trade_name)
                command.status, command.answered_at = 200, now()
            except Problem:
                command.unanswered += 1
                await self._pause(None)

    async def let_pass(self, kind: Kind, asked: Mapping[str, str], let: Callable[[], Awaitable[None]]) -> None:
        """Let time pass for one thing, which no command does, however often the database must be asked."""
        if self.ending.is_set():
            raise Leaves
        command = self.history.begin(Command(kind, asked, now()))
        while not command.accepted:
            command.requests += 1
            try:
                await let()
                command.status, command.answered_at = 200, now()
            except Exception as error:
                if not neighbour_failed(error):
                    raise
                command.unanswered += 1
                await self._pause(None)

    async def look(self, who: Someone, service: Service, path: str) -> Any:
        """What a GET shows, however often it must be asked. Raises Leaves when the load ends or the answer is no."""
        return (await self.opened(who, service, path))[0]

    async def table(self, who: Someone, service: Service, path: str) -> list[dict[str, str]]:
        """The same of a GET that shows a table."""
        response = await self._got(who, service, path, {"Accept": "text/csv"})
        return list(csv.DictReader(response.text.lstrip("\ufeff").splitlines()))

    async def ask(self, who: Someone, service: Service, path: str, json: Any) -> Any:
        """What a POST answers that makes nothing which is counted, as a proof, however often it must be asked.

        Raises Leaves when the load ends or the answer is no.
        """
        return (await self._got(who, service, path, {}, method="POST", json=json)).json()

    async def opened(self, who: Someone, service: Service, path: str) -> tuple[Any, str]:
        """The same, with the ETag that a change of it must name."""
        response = await self._got(who, service, path, {})
        return response.json(), response.headers.get("etag", "")

    async def _got(
        self, who: Someone, service: Service, path: str, headers: Mapping[str, str], *, method: str = "GET", **body: Any
    ) -> httpx.Response:
        while True:
            response = await self._once(who, service, method, path, headers, **body)
            if response is not None and response.status_code < 300:
                return response
            if response is not None and response.status_code == 401 and who.password:
                await self.sign_in(who)
            elif response is not None and response.status_code < 500 and _problem(response) not in COMES_AGAIN:
                raise Leaves(f"{method} {path} answered {_problem(response)}")
            await self._pause(response)

    async def sign_in(self, who: Someone) -> None:
        """A new session for a person with an account."""
        who.access_token = ""
        if who.account_id == "agent":
            await self._agent_token(who)
            return
        body = {"login": who.email, "password": who.password}
        asked = {"person": who.family_name}
        opened = await self.command(Kind.SIGN_IN, who, "accounts", "POST", "/v1/sessions", asked=asked, json=body)
        who.account_id, who.access_token = opened.made["account_id"], opened.made["access_token"]

    async def agent(self) -> Someone:
        """An agent of the agency."""
        who = Someone("", "demo", "Agent", "", "fr", account_id="agent")
        await self._agent_token(who)
        return who

    async def _agent_token(self, who: Someone) -> None:
        while True:
            with contextlib.suppress(httpx.TransportError):
                answer = await self.http.post(f"{self.ground.demo_issuer}/token", json={"name": "demo-agent-1"})
                who.access_token = answer.json()["access_token"]
                return
            await self._pause(None)

    async def mail(
        self, address: str, since: datetime, wanted: Callable[[str], Any], seconds: float
    ) -> tuple[Any, datetime] | None:
        """What the newest mail to an address since an instant says, by `wanted` of its text, and when it came.

        None when there was no such mail in time. Raises Leaves when the load ends before.
        """
        deadline = asyncio.get_running_loop().time() + seconds
        while asyncio.get_running_loop().time() < deadline:
            for mail in reversed(await self._mails(address)):
                received_at = datetime.fromisoformat(mail["received_at"])
                if received_at >= since and (found := wanted(mail["text"])):
                    return found, received_at
            await self.rest(LOOK_EVERY)
        return None

    async def _mails(self, address: str) -> list[dict[str, Any]]:
        """Those of one person; none when the host closes an idle connection as it is asked: the next look is soon."""
        try:
            answer = await self.http.get(f"{self.ground.control}/mails", params={"to": address})
        except httpx.TransportError:
            return []
        found: list[dict[str, Any]] = answer.json()
        return found

    async def rest(self, seconds: float) -> None:
        """Do nothing for a while. Raises Leaves when the load ends."""
        try:
            async with asyncio.timeout(seconds):
                await self.ending.wait()
        except TimeoutError:
            return
        raise Leaves

    async def _once(
        self, who: Someone, service: Service, method: str, path: str, headers: Mapping[str, str], **body: Any
    ) -> httpx.Response | None:
        url = self.ground.gateway(service) + path
        try:
            return await self.http.request(method, url, headers={**who.headers, **headers}, **body)
        except httpx.TransportError:
            return None

    async def _pause(self, response: httpx.Response | None) -> None:
        told = 0.0 if response is None else float(response.headers.get("retry-after", 0))
        if self.ending.is_set():
            at = asyncio.get_running_loop().time()
            self._ended_at = self._ended_at or at
            if told > LONG or at > self._ended_at + LAST_ANSWERS:
                raise Leaves
        await asyncio.sleep(max(told, self.chance.uniform(*PAUSE)))


def session_of(token: str) -> str:
    """The session that an access token names."""
    body = token.split(".")[1]
    return str(json_module.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))["sid"])


def _problem(response: httpx.Response) -> str:
    try:
        return str(response.json()["code"])
    except (ValueError, KeyError, TypeError):
        return f"status {response.status_code}"


def now() -> datetime:
    """This instant, in UTC."""
    return datetime.now(UTC)
