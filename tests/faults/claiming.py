"""Organizations of the load that people claim: the first two, the many that follow, and who lets them in."""

import asyncio
import contextlib
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from local.journeys.portal import Someone
from tests.faults.client import LOOK_EVERY, Client, Leaves, Refused, now
from tests.faults.history import Command, Kind
from tests.faults.people import MAIL_PATIENCE, newcomer, open_account
from tests.faults.population import Claimable

MOST_MEMBERS = 8
"""People whom one organization lets in; then they are blocked, appointed and released, and nobody comes any more."""

MOST_MANAGERS = 3

WAIT = 3
"""Seconds that a look at a claim waits for news: less than an answer may take."""

IN_FORCE, DEAD, NONE = "in force", "dead", "none"
"""Which code a person types: as the letter has it; one that was renewed before, as was said; or none."""

SOMETIMES = 0.15
TWO_DECIDE = 0.3
TOKEN = re.compile(r"#([0-9A-Za-z_-]{40,})")
"""Of an invitation's link."""

Move = Callable[[], Awaitable[None]]


@dataclass
class Member:
    """Somebody who was let in; `busy` while something is done to them that others should not cross.

    `put_by_agent`: an agent made them one who manages.
    """

    someone: Someone
    contact_id: str
    busy: bool = False
    put_by_agent: bool = False


@dataclass
class Claimed:
    """One organization, its managers, and what an agent does about it. `dead` are codes of which it was said."""

    client: Client
    organization: Claimable
    agent: Someone
    organization_id: str = ""
    code: str = ""
    dead: list[str] = field(default_factory=list)
    managers: list[Member] = field(default_factory=list)
    members: list[Member] = field(default_factory=list)
    joining: set["asyncio.Task[None]"] = field(default_factory=set)
    at_work: asyncio.Event = field(default_factory=asyncio.Event)

    async def live(self) -> None:
        """Be claimed by two at once, then manage and be managed until the load ends."""
        try:
            await self._begins()
            self.at_work.set()
            while True:
                with contextlib.suppress(Refused):  # as when another has just withdrawn what it needs
                    await self._act()
                await self.client.rest(self.client.chance.uniform(0.1, 0.8))
        except Leaves:
            return
        finally:
            await asyncio.gather(*self.joining)

    async def _begins(self) -> None:
        path = f"/v1/organizations?number={self.organization.number}"
        found = await self.client.look(self.agent, "authorizations", path)
        self.organization_id = found["items"][0]["organization_id"]
        self.code = await self._print()
        comers = [newcomer(self.client), newcomer(self.client)]
        await asyncio.gather(*(open_account(self.client, comer) for comer in comers))
        claims = await asyncio.gather(*(self._claim(comer, IN_FORCE) for comer in comers))
        shown = [await self._shown(comer, claim) for comer, claim in zip(comers, claims, strict=True)]
        for comer, view in zip(comers, shown, strict=True):
            if view["outcome"] == "administrator":
                self.managers.append(await self._became(comer))
        for comer, view in zip(comers, shown, strict=True):
            if view["state"] == "waiting":
                self._meanwhile(self._let_in(comer, view))

    async def _act(self) -> None:
        moves: list[Move] = [self._renew, self._prints]
        if len(self.members) < MOST_MEMBERS:
            moves += [self._comes] * 4 + [self._invites]
        free = [member for member in self.members if not member.busy]
        moves += [partial(self._blocks, member) for member in free] * 3
        if free and len(self.managers) < MOST_MANAGERS:
            moves.append(partial(self._appoints, free[0]))
        if free:
            moves.append(partial(self._replaces, free[-1]))
        if len(self.managers) > 1:
            moves += [partial(self._releases, self.managers[-1])] * 2
        await self.client.chance.choice(moves)()

    def _meanwhile(self, what: Any) -> None:
        async def until_left() -> None:
            try:
                await what
            except Leaves:
                return

        self.joining.add(asyncio.create_task(until_left()))

    @property
    def _path(self) -> str:
        return f"/v1/organizations/{self.organization_id}"

    @property
    def _manager(self) -> Someone:
        return self.client.chance.choice(self.managers).someone

    def _manager_or_agent(self, besides: Member | None = None) -> Someone:
        own = [one.someone for one in self.managers if one is not besides]
        return self.client.chance.choice([*own, self.agent])

    def _asked(self, **more: str) -> dict[str, str]:
        return {"organization_id": self.organization_id, **more}

    # Claims

    async def _comes(self) -> None:
        self._meanwhile(self._claims(newcomer(self.client)))

    async def _claims(self, someone: Someone) -> None:
        await open_account(self.client, someone)
        which = self.client.chance.choice((NONE, IN_FORCE, DEAD if self.dead else NONE))
        claim = await self._claim(someone, which)
        await self._waits(someone, await self._shown(someone, claim))

    async def _claim(self, someone: Someone, which: str) -> Command:
        method = self.client.ground.offers.method
        assert method is not None
        capacity = self.client.chance.choice(method.capacities).code
        body = {
            "method": method.code,
            "organization_name": self.organization.name,
            "organization_number": self.organization.number,
            "capacity": capacity,
        }
        asked = self._asked(account_id=someone.account_id, which=which)
        if which != NONE:
            code = self.code if which == IN_FORCE else self.client.chance.choice(self.dead)
            body |= {"organization_code": code, "payroll": self.organization.payroll}
            asked["code"] = code
        return await self.client.command(
            Kind.CLAIM, someone, "linking", "POST", "/v1/links", asked=asked, json=body, keyed=True
        )

    async def _shown(self, someone: Someone, claim: Command, seen: int = 0) -> Any:
        """The claim as soon as there is news of it: what nobody decides in a moment waits for others."""
        path = f"/v1/claims/{claim.made['claim_id']}?wait={WAIT}"
        while True:
            view = await self.client.look(someone, "linking", path)
            if view["state"] != "received" and view["version"] > seen:
                return view

    async def _waits(self, someone: Someone, view: Any) -> None:
        """Withdrawn, left to its last day, or decided: by who it is for, sometimes by two who disagree."""
        request_id, chance = view["request_id"], self.client.chance.random()
        if view["state"] != "waiting":
            return
        if chance < SOMETIMES:
            await self._withdraws(someone, request_id)
            return
        if chance < 2 * SOMETIMES:
            let = partial(self.client.ground.let_lapse, request_id)
            await self.client.let_pass(Kind.LAPSE, {"request_id": request_id}, let)
            return
        await self.client.rest(self.client.chance.uniform(0.1, 1.5))
        deciders = [self.agent if view["decider"] == "agents" else self._manager_or_agent()]
        if self.client.chance.random() < TWO_DECIDE:
            deciders.append(self.agent)
        approve, reject = self._approval(view["capacity"]), self.client.ground.offers.against("access_request")
        first = self.client.chance.choices((approve, reject), (4, 1))[0]
        outcomes = [first, reject if first is approve else approve]
        pairs = zip(deciders, outcomes, strict=False)
        await asyncio.gather(*(self._decides(decider, request_id, outcome) for decider, outcome in pairs))
        await self._joins(someone, view["claim_id"])

    async def _let_in(self, someone: Someone, view: Any) -> None:
        """The second of two who claimed at once: each organization has somebody besides its administrator."""
        await self._decides(self.agent, view["request_id"], self._approval(view["capacity"]))
        await self._joins(someone, view["claim_id"])

    async def _withdraws(self, someone: Someone, request_id: str) -> None:
        path = f"/v1/requests/{request_id}/withdrawal"
        await self.client.command(
            Kind.WITHDRAW, someone, "authorizations", "POST", path,
            asked={"request_id": request_id}, done_before=("request_not_pending",),
        )  # fmt: skip

    def _approval(self, capacity: str) -> dict[str, Any]:
        granted = self.client.ground.offers.agency.capacities[capacity].granted.type
        access = {"type": granted, "subjects": [{"subject": self._subject, "level": "write"}]}
        return {"outcome": "approve", "access": access}

    async def _decides(self, decider: Someone, request_id: str, body: dict[str, Any]) -> None:
        path = f"/v1/requests/{request_id}"
        _, version = await self.client.opened(decider, "authorizations", path)
        try:
            await self.client.command(
                Kind.DECIDE, decider, "authorizations", "POST", f"{path}/decision",
                asked={"request_id": request_id, "outcome": body["outcome"]}, json=body, version=version,
                done_before=("request_not_pending",),
            )  # fmt: skip
        except Refused:  # another was first, or it is no longer theirs
            return

    async def _joins(self, someone: Someone, claim_id: str) -> None:
        path = f"/v1/claims/{claim_id}?wait={WAIT}"
        while (view := await self.client.look(someone, "linking", path))["state"] != "decided":
            await self.client.rest(LOOK_EVERY)
        if view["outcome"] in ("granted", "administrator"):
            self.members.append(await self._became(someone))

    async def _became(self, someone: Someone) -> Member:
        """The contact that somebody is here, chosen from now on."""
        while True:
            profiles = await self.client.look(someone, "linking", "/v1/profiles")
            for profile in profiles["items"]:
                if profile["organization"]["organization_id"] == self.organization_id:
                    someone.profile = profile["contact_id"]
                    return Member(someone, someone.profile)
            await self.client.rest(LOOK_EVERY)

    # Invitations

    async def _invites(self) -> None:
        self._meanwhile(self._invited(newcomer(self.client)))

    async def _invited(self, someone: Someone) -> None:
        (function, *_), since = self.client.ground.offers.functions(manages=False), now()
        body = {
            "email": someone.email, "name": someone.family_name, "language": someone.language, "type": function,
            "subjects": [{"subject": self._subject, "level": "write"}],
        }  # fmt: skip
        made = await self.client.command(
            Kind.INVITE, self._manager, "authorizations", "POST", f"{self._path}/invitations",
            asked=self._asked(email=someone.email), json=body, keyed=True,
        )  # fmt: skip
        mail = await self.client.mail(someone.email, since, TOKEN.search, 10 * MAIL_PATIENCE)
        if mail is None or self.client.chance.random() < SOMETIMES:
            return
        await open_account(self.client, someone)
        await self.client.command(
            Kind.ACCEPT, someone, "authorizations", "POST", "/v1/invitations/acceptance",
            asked={"request_id": made.made["request_id"]}, json={"token": mail[0][1]},
            not_yet=("invitation_for_another",),
        )  # fmt: skip
        self.members.append(await self._became(someone))

    # Codes and letters

    async def _renew(self) -> None:
        renewed = await self.client.command(
            Kind.RENEW, self._manager_or_agent(), "linking", "POST",
            f"/v1/organization-codes/{self.organization_id}/renewal", asked=self._asked(), keyed=True,
        )  # fmt: skip
        self.dead, self.code = [*self.dead, self.code], renewed.made["code"]

    async def _prints(self) -> None:
        self.code = await self._print()  # a replacement may have renewed it

    async def _print(self) -> str:
        """An agent has the letter printed. The code that it names."""
        printed = await self.client.command(
            Kind.PRINT, self.agent, "linking", "POST", "/v1/organization-letters", asked=self._asked(),
            json={"organization_ids": [self.organization_id]}, keyed=True, not_yet=("nothing_to_print",),
        )  # fmt: skip
        begun, path = now(), f"/v1/organization-letters/{printed.made['printing_id']}/sheets"
        sheets = await self.client.table(self.agent, "linking", path)
        codes = ["".join(filter(str.isdigit, sheet["code"])) for sheet in sheets]
        printed.made |= {"codes": codes, "read_begun": begun, "read_at": now()}
        return codes[0] if codes else self.code  # it was renewed in between

    # Whom the organization keeps out, and who manages it

    def _forget(self, member: Member) -> None:
        """No member any more, unless a replacement has meanwhile left none."""
        self.members = [one for one in self.members if one is not member]

    @property
    def _subject(self) -> str:
        return self.client.ground.offers.subjects[0]

    async def _check(self, someone: Someone) -> None:
        """May they act? They ask about themselves."""
        question = {
            "subject": {"type": "account", "id": someone.account_id},
            "action": {"name": "write"},
            "resource": {"type": self._subject, "id": self.organization_id},
        }
        asked = self._asked(account_id=someone.account_id, contact_id=someone.profile)
        await self.client.command(
            Kind.CHECK, someone, "authorizations", "POST", "/access/v1/evaluation", asked=asked, json=question
        )

    async def _blocks(self, member: Member) -> None:
        member.busy = True
        self._meanwhile(self._blocked(member))

    async def _blocked(self, member: Member) -> None:
        """Kept out while they go on asking, and mostly let in again."""
        try:
            by, reason = self._manager_or_agent(), self.client.ground.offers.reason("block")
            await self._check(member.someone)
            blocking = self.client.command(
                Kind.BLOCK, by, "authorizations", "POST", f"{self._path}/blocks",
                asked=self._asked(account_id=member.someone.account_id, contact_id=member.contact_id),
                json={"contact_id": member.contact_id, **reason}, keyed=True,
            )  # fmt: skip
            blocked, _ = await asyncio.gather(blocking, self._check(member.someone))
            for _ in range(3):
                await self._check(member.someone)
                await self.client.rest(self.client.chance.uniform(0.05, 0.7))
            if self.client.chance.random() < SOMETIMES:
                self._forget(member)
                return
            block_id = blocked.made["block_id"]
            path = f"{self._path}/blocks/{block_id}"
            by = self.agent if by is self.agent else self._manager_or_agent()  # what agents did, agents undo
            await self.client.command(
                Kind.UNBLOCK, by, "authorizations", "DELETE", path, asked=self._asked(block_id=block_id)
            )
            await self._check(member.someone)
        finally:
            member.busy = False

    async def _appoints(self, member: Member) -> None:
        if member not in self.members:
            return
        by, reason = self._manager_or_agent(), self.client.ground.offers.reason("appointment")
        await self.client.command(
            Kind.APPOINT, by, "authorizations", "POST", f"{self._path}/administrators",
            asked=self._asked(contact_id=member.contact_id), json={"contact_id": member.contact_id, **reason},
            keyed=True,
        )  # fmt: skip
        self._forget(member)
        member.put_by_agent = by is self.agent
        self.managers.append(member)

    async def _releases(self, manager: Member) -> None:
        self.managers.remove(manager)
        by = self.agent if manager.put_by_agent else self._manager_or_agent()  # whom agents put there, agents release
        reason = self.client.ground.offers.reason("release")
        path = f"{self._path}/administrators/{manager.contact_id}/release"
        await self.client.command(
            Kind.RELEASE, by, "authorizations", "POST", path, asked=self._asked(contact_id=manager.contact_id),
            json=reason, done_before=("manages_nothing",),
        )  # fmt: skip
        self.members.append(manager)

    async def _replaces(self, successor: Member) -> None:
        """An agent puts another in the place of the first; whatever that one granted is withdrawn with it."""
        if self.client.chance.random() > 2 * SOMETIMES:
            return
        replaced, reason = self.managers[0], self.client.ground.offers.reason("replacement")
        path = f"{self._path}/administrators/{replaced.contact_id}/replacement"
        body = {"successor_id": successor.contact_id, **reason}
        asked = self._asked(contact_id=replaced.contact_id, successor_id=successor.contact_id)
        await self.client.command(
            Kind.REPLACE, self.agent, "authorizations", "POST", path,
            asked=asked, json=body, done_before=("manages_nothing",),
        )  # fmt: skip
        await self._check(replaced.someone)
        self.members, self.managers = [], [successor]
