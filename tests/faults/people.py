"""The people of the load: newcomers who register, managers of firms, members who join, an agent who sends codes."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from string import ascii_lowercase
from typing import Any

from local.journeys.portal import CLIENT_NUMBER, LINKING_CODE, ONE_TIME_CODE, Language, Someone
from tests.faults.client import Client, Leaves, Refused, session_of
from tests.faults.ground import Firm
from tests.faults.history import Kind

PASSWORD = "quatre mésanges au verger"
MAIL_PATIENCE = 20.0
"""Seconds until a person asks for another code."""

PATIENCE_OF_SOME = 90.0
"""Longer than a one-time code of a long run is good: one that cannot be sent in time is not replaced, it expires."""

RESENDS = 3
MOST_MEMBERS = 6
"""Members whom one firm adds; a firm that goes on growing would slow down its own lists."""

BETWEEN_IMPORTS = (6.0, 15.0)
"""Seconds; a process is started for each."""

STAFF = "staff_member"
Move = Callable[[], Awaitable[None]]
_numbers = itertools.count(1)


@dataclass
class Member:
    """Somebody whom a manager added. `delegation` is the relation that lets them act for the client now."""

    someone: Someone
    contact_id: str
    delegation: str | None = None
    removed: bool = False


@dataclass
class Manager:
    """The responsible person of a firm, and what they know of it."""

    client: Client
    firm: Firm
    someone: Someone
    agent: Someone
    firm_id: str = ""
    client_id: str = ""
    through: str = ""
    ticked: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    members: list[Member] = field(default_factory=list)
    joining: set["asyncio.Task[None]"] = field(default_factory=set)
    at_work: asyncio.Event = field(default_factory=asyncio.Event)

    async def live(self) -> None:
        """Join, then manage the firm until the load ends."""
        try:
            await self._prepare()
            self.at_work.set()
            while True:
                await self._act()
                await self.client.rest(self.client.chance.uniform(0.1, 0.8))
        except Leaves:
            return
        finally:
            await asyncio.gather(*self.joining)

    async def _prepare(self) -> None:
        found = await self.client.look(self.agent, "authorizations", f"/v1/organizations?number={self.firm.number}")
        self.firm_id = found["items"][0]["organization_id"]
        since = _now()
        await self._send_codes("responsible_person")
        await open_account(self.client, self.someone)
        await link(self.client, self.someone, since)
        await self._read()

    async def _read(self) -> None:
        path = f"/v1/organizations/{self.firm_id}/relations"
        relations = await self.client.look(self.someone, "authorizations", path)
        own = next(row for row in relations["items"] if row["related_organization"]["organization_id"] == self.firm_id)
        self.client_id, self.through = own["organization"]["organization_id"], own["relation_id"]
        forms = await self.client.look(self.someone, "authorizations", "/v1/forms")
        self.ticked = {
            form["kind"]: [{"code": one["code"], "version": one["version"]} for one in form["attestations"]]
            for form in forms["items"]
        }

    async def _act(self) -> None:
        staff = [one for one in self.members if not one.removed]
        moves: list[Move] = [self._sign_out_and_in, partial(self._send_codes, STAFF)]
        if len(self.members) < MOST_MEMBERS:
            moves += [self._add] * 3
        for member in staff:
            moves.append(partial(self._take_back if member.delegation else self._delegate, member))
        if len(staff) > 2:
            moves.append(partial(self._remove, staff[0]))
        await self.client.chance.choice(moves)()

    async def _add(self) -> None:
        someone = newcomer(self.client)
        person = {
            "family_name": someone.family_name,
            "given_name": someone.given_name,
            "email": someone.email,
            "telephones": [],
            "language": someone.language,
        }
        since = _now()
        added = await self.client.command(
            Kind.ADD_CONTACT,
            self.someone,
            "authorizations",
            "POST",
            f"/v1/organizations/{self.firm_id}/contacts",
            asked={"organization_id": self.firm_id, "email": someone.email},
            json={
                "contact": person,
                "type": STAFF,
                "ends_on": (since + timedelta(days=365)).date().isoformat(),
                "subjects": [{"subject": "profile", "level": "read"}, {"subject": "monthly_report", "level": "write"}],
                "attestations": self.ticked["addition"],
            },
            keyed=True,
        )
        self.members.append(Member(someone, added.made["contact_id"]))
        self.joining.add(asyncio.create_task(self._joins(someone, since)))

    async def _joins(self, someone: Someone, since: datetime) -> None:
        try:
            await open_account(self.client, someone)
            await link(self.client, someone, since)
        except Leaves:
            return

    async def _delegate(self, member: Member) -> None:
        made = await self.client.command(
            Kind.DELEGATE,
            self.someone,
            "authorizations",
            "POST",
            f"/v1/contacts/{member.contact_id}/relations",
            asked={"contact_id": member.contact_id, "organization_id": self.client_id},
            json={
                "organization_id": self.client_id,
                "through": self.through,
                "subjects": "all",
                "attestations": self.ticked["addition"],
            },
            keyed=True,
        )
        member.delegation = made.made["relation_id"]

    async def _take_back(self, member: Member) -> None:
        assert member.delegation is not None
        relation, member.delegation = member.delegation, None
        body = {"scope": "relations", "relations": [relation], "attestations": self.ticked["removal"]}
        await self._removal(member, body, {"relation_id": relation})

    async def _remove(self, member: Member) -> None:
        member.removed = True
        await self._removal(member, {"scope": "all", "attestations": self.ticked["removal"]}, {})

    async def _removal(self, member: Member, body: dict[str, Any], named: dict[str, str]) -> None:
        await self.client.command(
            Kind.REMOVE,
            self.someone,
            "authorizations",
            "POST",
            f"/v1/contacts/{member.contact_id}/removals",
            asked={"contact_id": member.contact_id, **named},
            json=body,
            done_before=("nothing_to_remove",),
        )

    async def _send_codes(self, function: str) -> None:
        await self.client.command(
            Kind.BATCH,
            self.agent,
            "authorizations",
            "POST",
            "/v1/linking-code-batches",
            asked={"organization_id": self.firm_id, "function": function},
            json={"organization_ids": [self.firm_id], "functions": [function]},
            keyed=True,
        )

    async def _sign_out_and_in(self) -> None:
        await sign_out(self.client, self.someone)
        await self.client.sign_in(self.someone)


async def newcomers(client: Client) -> None:
    """One after the other, people register; some ask for a second code, some sign out again."""
    try:
        while True:
            someone = newcomer(client)
            patience = client.chance.choice((MAIL_PATIENCE, MAIL_PATIENCE, PATIENCE_OF_SOME))
            await open_account(client, someone, impatient=client.chance.random() < 0.5, patience=patience)
            if client.chance.random() < 0.5:
                await sign_out(client, someone)
    except Leaves:
        return


async def agency(client: Client, firms: Sequence[Firm]) -> None:
    """Now and then the agency imports a firm whose trade name has changed."""
    try:
        for number in itertools.count(1):
            await client.rest(client.chance.uniform(*BETWEEN_IMPORTS))
            await client.bring_in(client.chance.choice(firms), f"RAISON {number}")
    except Leaves:
        return


async def open_account(
    client: Client, someone: Someone, *, impatient: bool = False, patience: float = MAIL_PATIENCE
) -> None:
    """Register, and verify with the code of the newest mail. The impatient ask for a second code at once, others after
    `patience` seconds without a mail."""
    terms = await client.look(someone, "accounts", "/v1/terms")
    since = _now()
    body = {
        "email": someone.email,
        "password": someone.password,
        "given_name": someone.given_name,
        "family_name": someone.family_name,
        "language": someone.language,
        "terms_version": terms["version"],
    }
    asked = {"email": someone.email}
    made = await client.command(Kind.REGISTER, someone, "accounts", "POST", "/v1/registrations", asked=asked, json=body)
    registration = made.made["registration_id"]
    if impatient:
        since = await _resend(client, someone, registration)
    for _ in range(RESENDS):
        while (mail := await client.mail(someone.email, since, _one_time_code, patience)) is not None:
            code, received_at = mail
            if await _verified(client, someone, registration, code):
                return
            since = received_at + timedelta(microseconds=1)
        since = await _resend(client, someone, registration)
    raise Leaves


async def _resend(client: Client, someone: Someone, registration: str) -> datetime:
    asked = {"registration_id": registration, "email": someone.email}
    path = f"/v1/registrations/{registration}/resend"
    await client.command(Kind.RESEND, someone, "accounts", "POST", path, asked=asked)
    return _now() - timedelta(seconds=1)


async def _verified(client: Client, someone: Someone, registration: str, code: str) -> bool:
    asked = {"registration_id": registration, "email": someone.email}
    path = f"/v1/registrations/{registration}/verification"
    try:
        opened = await client.command(Kind.VERIFY, someone, "accounts", "POST", path, asked=asked, json={"code": code})
    except Refused as refused:
        # The gateway cannot tell a spent code from a wrong one: after a request without an answer, signing in tells.
        return refused.command.unanswered > 0 and await _has_account(client, someone)
    someone.account_id, someone.access_token = opened.made["account_id"], opened.made["access_token"]
    return True


async def _has_account(client: Client, someone: Someone) -> bool:
    try:
        await client.sign_in(someone)
    except Refused:
        return False
    return True


async def link(client: Client, someone: Someone, since: datetime) -> None:
    """Redeem the coordinates of the newest mail."""
    while (mail := await client.mail(someone.email, since, _coordinates, 10 * MAIL_PATIENCE)) is not None:
        (number, code), received_at = mail
        body = {"method": "linking_coordinates", "client_number": number, "linking_code": code}
        asked = {"account_id": someone.account_id, "client_number": number}
        try:
            linked = await client.command(
                Kind.LINK, someone, "linking", "POST", "/v1/links", asked=asked, json=body, keyed=True
            )
        except Refused:  # a batch has meanwhile replaced the code: a newer mail brings the next
            since = received_at + timedelta(microseconds=1)
            continue
        someone.profile = linked.made["profile"]["contact_id"]
        return
    raise Leaves


async def sign_out(client: Client, someone: Someone) -> None:
    """End the session that the person's token belongs to."""
    session = session_of(someone.access_token)
    path = f"/v1/sessions/{session}"
    asked = {"session_id": session}
    await client.command(Kind.SIGN_OUT, someone, "accounts", "DELETE", path, asked=asked)


def newcomer(client: Client) -> Someone:
    """Somebody whom nobody knows yet."""
    languages: tuple[Language, ...] = ("fr", "en")
    language = client.chance.choice(languages)
    name = "".join(client.chance.choices(ascii_lowercase, k=12)).title()  # like nobody's: else an agent would be asked
    return Someone(f"person-{next(_numbers)}@load.example", PASSWORD, "Démo", name, language)


def responsible(firm: Firm) -> Someone:
    """The responsible person of a firm, whose address the agency holds."""
    return Someone(firm.responsible, PASSWORD, "Démo", "Responsable", "fr")


async def crowd(client: Client, firms: Sequence[Firm], registering: int, at_work: asyncio.Event) -> None:
    """Everybody at once; `at_work` is set when every manager has joined. Returns when all have left after the end."""
    agent = await client.agent()
    managers = [Manager(client, firm, responsible(firm), agent) for firm in firms]
    living = [asyncio.create_task(manager.live()) for manager in managers]
    living += [asyncio.create_task(newcomers(client)) for _ in range(registering)]
    living.append(asyncio.create_task(agency(client, firms)))
    for manager in managers:
        await manager.at_work.wait()
    at_work.set()
    await asyncio.gather(*living)


def _one_time_code(text: str) -> str | None:
    found = ONE_TIME_CODE.search(text)
    return "".join(found.groups()) if found and not LINKING_CODE.search(text) else None


def _coordinates(text: str) -> tuple[str, str] | None:
    number, code = CLIENT_NUMBER.search(text), LINKING_CODE.search(text)
    return (number[1], "".join(code.groups())) if number and code else None


def _now() -> datetime:
    return datetime.now(UTC)
