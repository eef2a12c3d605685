"""Firms of the load: a manager adds, corrects and removes members, members join, and an employer and its firm agree."""

import asyncio
import contextlib
import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

from local.journeys.portal import Someone
from tests.faults.client import Client, Leaves, Refused, now
from tests.faults.history import Command, Kind
from tests.faults.people import (
    PASSWORD,
    contest,
    link,
    move,
    newcomer,
    nobodys_name,
    open_account,
    sign_out,
    unlink,
)
from tests.faults.population import Firm
from tests.faults.reviews import Review, ends_contest

MOST_MEMBERS = 6
"""Members whom one firm adds; a firm that goes on growing would slow down its own lists."""

STAFF, RESPONSIBLE = "staff_member", "responsible_person"
CAMPAIGN = "launch_of_services"
Move = Callable[[], Awaitable[None]]


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
    attached: list[str] = field(default_factory=list)
    known: list[str] = field(default_factory=list)
    joining: set["asyncio.Task[None]"] = field(default_factory=set)
    at_work: asyncio.Event = field(default_factory=asyncio.Event)

    async def live(self) -> None:
        """Join, then manage the firm until the load ends."""
        try:
            self.firm_id = await join(self.client, self.agent, self.someone, self.firm.number)
            await self._read()
            self.known = [user.client_number for firm in self.client.ground.firms for user in firm.former_users]
            self.client.chance.shuffle(self.known)
            self.at_work.set()
            while True:
                with contextlib.suppress(Refused):  # as when what it needs has just ended
                    await self._act()
                await self.client.rest(self.client.chance.uniform(0.1, 0.8))
        except Leaves:
            return
        finally:
            await asyncio.gather(*self.joining)

    async def _read(self) -> None:
        path = f"/v1/organizations/{self.firm_id}/relations"
        relations = await self.client.look(self.someone, "authorizations", path)
        own = next(row for row in relations["items"] if row["related_organization"]["organization_id"] == self.firm_id)
        self.client_id, self.through = own["organization"]["organization_id"], own["relation_id"]
        self.ticked = await statements(self.client, self.someone)

    async def _act(self) -> None:
        staff = [one for one in self.members if not one.removed]
        moves: list[Move] = [self._sign_out_and_in, partial(self._send_codes, {"functions": [STAFF]})]
        moves += [self._send_to_never_linked, partial(self._send_codes, {"functions": [STAFF], "campaign": CAMPAIGN})]
        if len(self.members) < MOST_MEMBERS:
            moves += [self._add] * 3
        if self.known:
            moves.append(self._add_known)
        if self.attached:
            moves += [self._let_an_attachment_outlive_its_use] * 2
        for member in staff:
            moves.append(partial(self._take_back if member.delegation else self._delegate, member))
            moves.append(partial(self._correct, member))
        if len(staff) > 2:
            moves.append(partial(self._remove, staff[0]))
        await self.client.chance.choice(moves)()

    async def _give(self, kind: Kind, path: str, asked: dict[str, str], body: dict[str, Any], **how: Any) -> Command:
        return await self.client.command(
            kind, self.someone, "authorizations", "POST", path, asked=asked, json=body, **how
        )

    async def _add(self) -> None:
        someone = newcomer(self.client)
        asked, attachments = {"organization_id": self.firm_id, "person": someone.family_name}, []
        if self.client.chance.random() < 0.4:
            attachments = [await self._upload()]
            asked["attachment_id"] = attachments[0]
        since = now()
        body = self._form(someone) | {"attachments": attachments}
        path = f"/v1/organizations/{self.firm_id}/contacts"
        added = await self._give(Kind.ADD_CONTACT, path, asked, body, keyed=True)
        self.members.append(Member(someone, added.made["contact_id"]))
        self.attached += attachments
        self.joining.add(asyncio.create_task(self._joins(someone, since)))

    def _form(self, someone: Someone) -> dict[str, Any]:
        return {
            "contact": {
                "family_name": someone.family_name,
                "given_name": someone.given_name,
                "email": someone.email,
                "telephones": [],
                "language": someone.language,
            },
            "type": STAFF,
            "ends_on": (now() + timedelta(days=365)).date().isoformat(),
            "subjects": [{"subject": "profile", "level": "read"}, {"subject": "monthly_report", "level": "write"}],
            "attestations": self.ticked["addition"],
        }

    async def _add_known(self) -> None:
        """Somebody whose client number another organization gave: an agent looks at it while the manager goes on."""
        someone, number = newcomer(self.client), self.known.pop(0)
        body = self._form(someone) | {"client_number": number}
        asked = {"organization_id": self.firm_id, "person": someone.family_name}
        path = f"/v1/organizations/{self.firm_id}/contacts"
        made = await self._give(Kind.ADD_KNOWN, path, asked, body, keyed=True)
        review = Review(self.client, self.agent, self.someone, made.made["request_id"], body)
        self.joining.add(asyncio.create_task(review.live()))

    async def _joins(self, someone: Someone, since: Any) -> None:
        """Some then move; others unlink, or an agent ends their link, and they link again with the next code."""
        client, address = self.client, someone.email
        try:
            await open_account(client, someone)
            linked = await link(client, someone, address, since)
            await client.rest(client.chance.uniform(0.5, 4.0))
            match client.chance.choice(("moves", "unlinks", "is contested", "stays")):
                case "moves":
                    await move(client, someone)
                case "unlinks":
                    since = now()
                    await unlink(client, someone, linked.link_id)
                    await link(client, someone, address, since)
                case "is contested":
                    comer, since = newcomer(client), now()
                    await open_account(client, comer)
                    await contest(client, comer, linked)
                    if await ends_contest(client, self.agent, comer, linked.contact_id):
                        someone.profile = ""
                        await link(client, someone, address, since)
        except Leaves:
            return

    async def _upload(self) -> str:
        noise = "".join(f"{self.client.chance.getrandbits(64):016x}" for _ in range(200))
        content = f"%PDF-1.4\n% {noise}\nstartxref\n0\n%%EOF\n".encode()
        asked = {"account_id": self.someone.account_id, "digest": hashlib.sha256(content).hexdigest()}
        kept = await self.client.command(
            Kind.UPLOAD, self.someone, "authorizations", "POST", "/v1/attachments", asked=asked, content=content
        )
        return str(kept.made["attachment_id"])

    async def _let_an_attachment_outlive_its_use(self) -> None:
        attachment = self.attached.pop(0)
        let = partial(self.client.ground.let_outlive, attachment)
        await self.client.let_pass(Kind.OUTLIVE, {"attachment_id": attachment}, let)

    async def _correct(self, member: Member) -> None:
        """Another given name on the file; sometimes, with the same form, a new code."""
        path, given_name = f"/v1/contacts/{member.contact_id}", nobodys_name(self.client)
        while True:
            file, version = await self.client.opened(self.someone, "authorizations", path)
            if file["given_name"] == given_name:
                return
            body: dict[str, Any] = {"given_name": given_name, "attestations": self.ticked["correction"]}
            asked = {"contact_id": member.contact_id, "given_name": given_name}
            if not file["linked"] and self.client.chance.random() < 0.3:
                body["new_linking_code"] = True
            try:
                await self.client.command(
                    Kind.CORRECT, self.someone, "authorizations", "PATCH", path,
                    asked=asked, json=body, version=version,
                )  # fmt: skip
            except Refused as refused:
                if refused.command.problem not in ("precondition_failed", "already_linked", "code_unsendable"):
                    raise

    async def _delegate(self, member: Member) -> None:
        asked = {"contact_id": member.contact_id, "organization_id": self.client_id}
        body = {
            "organization_id": self.client_id,
            "through": self.through,
            "subjects": "all",
            "attestations": self.ticked["addition"],
        }
        path = f"/v1/contacts/{member.contact_id}/relations"
        made = await self._give(Kind.DELEGATE, path, asked, body, keyed=True)
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
        path, asked = f"/v1/contacts/{member.contact_id}/removals", {"contact_id": member.contact_id, **named}
        await self._give(Kind.REMOVE, path, asked, body, done_before=("nothing_to_remove",))

    async def _send_codes(self, whom: dict[str, Any]) -> None:
        await send_codes(self.client, self.agent, self.firm_id, whom)

    async def _send_to_never_linked(self) -> None:
        asked, body = {"organization_id": self.firm_id}, {"never_linked": True}
        await self._give(Kind.BATCH, "/v1/linking-code-batches", asked, body, keyed=True)

    async def _sign_out_and_in(self) -> None:
        await sign_out(self.client, self.someone)
        await self.client.sign_in(self.someone)


async def join(
    client: Client, agent: Someone, someone: Someone, number: str, functions: Sequence[str] = (RESPONSIBLE,)
) -> str:
    """An agent sends coordinates to those with certain functions in an organization, and one links. Returns its id."""
    found = await client.look(agent, "authorizations", f"/v1/organizations?number={number}")
    organization_id: str = found["items"][0]["organization_id"]
    since = now()
    await send_codes(client, agent, organization_id, {"functions": [*functions]})
    await open_account(client, someone)
    await link(client, someone, someone.email, since)
    return organization_id


async def send_codes(client: Client, agent: Someone, organization_id: str, whom: dict[str, Any]) -> None:
    """An agent has linking codes sent to some of an organization."""
    await client.command(
        Kind.BATCH, agent, "authorizations", "POST", "/v1/linking-code-batches",
        asked={"organization_id": organization_id}, json={"organization_ids": [organization_id], **whom}, keyed=True,
    )  # fmt: skip


async def statements(client: Client, someone: Someone) -> dict[str, list[dict[str, Any]]]:
    """By kind of form, its statements, ticked in the version shown."""
    forms = await client.look(someone, "authorizations", "/v1/forms")
    return {
        form["kind"]: [{"code": one["code"], "version": one["version"]} for one in form["attestations"]]
        for form in forms["items"]
    }


def responsible(address: str, number: str) -> Someone:
    """The responsible person of an organization, whose address the agency holds."""
    return Someone(address, PASSWORD, "Démo", f"Responsable {number}", "fr")
