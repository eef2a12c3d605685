"""Who the commands act as: the firm's responsible person, members of the firm, another system that asks the check."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import httpx

from local import ROOT
from local.journeys.account import register
from local.journeys.ccq.first_connection import coordinates_of, create_account, link, receive_coordinates
from local.journeys.ccq.lists import read_the_lists
from local.journeys.ccq.stage import FIRM_NUMBER, Journey, responsible
from local.journeys.narrator import Narrator
from local.journeys.playing import signed_in
from local.journeys.portal import ONE_TIME_CODE, Portal, Someone, code_in, now
from local.stack import Stack

T = TypeVar("T")
R = TypeVar("R")

AT_ONCE = 4  # people who join side by side: two cores have work, and nobody waits for the hashing of passwords
CLIENT_NUMBER = "1000001"  # the demo client whose authorizations are delegated
FIRST_MEMBER = 4_000_000  # client number of the first member, in a range that the demo data do not use
DELEGATED = "monthly_report"


@dataclass(frozen=True)
class Cast:
    """The journey's state, and who acts in it."""

    journey: Journey
    manager: Someone
    members: Sequence[Someone]
    machine: Someone

    def question(self, member: Someone) -> dict[str, Any]:
        """May the member write the delegated subject for the client? As AuthZEN asks it."""
        return {
            "subject": {"type": "account", "id": member.account_id},
            "action": {"name": "write"},
            "resource": {"type": DELEGATED, "id": self.journey.client_id},
        }

    async def may(self, member: Someone) -> bool:
        """What the check answers."""
        answer = await self.journey.portal.call(
            self.machine, "authorizations", "POST", "/access/v1/evaluation", json=self.question(member), expect=200
        )
        return bool(answer["decision"])


def import_members(stack: Stack, count: int) -> None:
    """Bring members of the demo firm in, each delegated all of a client's authorizations, as an agency would."""
    extract = (stack.agency_folder / "demo" / "organizations.ndjson").read_text(encoding="utf-8")
    held = next(line for line in map(json.loads, extract.splitlines()) if line["organization"]["number"] == FIRM_NUMBER)
    through = next(relation for relation in held["relations"] if relation["organization"]["number"] == CLIENT_NUMBER)
    numbers = [str(FIRST_MEMBER + number) for number in range(count)]
    line = {
        "organization": held["organization"],
        "contacts": [
            {
                "client_number": number,
                "family_name": "Membre",
                "given_name": f"Numéro {number}",
                "email": _address(number),
                "language": "fr",
                "relations": [
                    {
                        "type": "staff_member",
                        "starts_on": through["starts_on"],
                        "subjects": [{"subject": "profile", "level": "read"}],
                    }
                ],
            }
            for number in numbers
        ],
        "delegations": [
            {
                "client_number": number,
                "organization": through["organization"],
                "through": through["type"],
                "starts_on": through["starts_on"],
                "subjects": "all",
            }
            for number in numbers
        ],
    }
    file = stack.folder / "members.ndjson"
    file.write_text(json.dumps(line, ensure_ascii=False) + "\n", encoding="utf-8")
    command = [sys.executable, "-m", "services.authorizations", "import", str(file)]
    told = stack.environment("authorizations")
    stack.processes.run("The import of members", command, stack.logs / "import.log", env=told, cwd=ROOT)


async def gather_cast(stack: Stack, http: httpx.AsyncClient, count: int) -> Cast:
    """The manager linked and signed in, and so many imported members, each with an account linked to its contact.

    Returns when the check says yes for every member. Tokens live five minutes from then.
    """
    told = Narrator(say=lambda _: None)
    portal = Portal(stack, told, http)
    journey, manager = Journey(portal, told), responsible()
    await receive_coordinates(journey)
    await create_account(journey, manager)
    await link(journey, manager, await coordinates_of(journey, manager))
    await read_the_lists(journey, manager)
    await _send_coordinates(journey, count)
    members = [_member(str(FIRST_MEMBER + number)) for number in range(count)]
    terms = await portal.call(manager, "accounts", "GET", "/v1/terms", expect=200)

    async def join(member: Someone) -> None:
        await _join(journey, member, terms["version"])

    await _side_by_side(join, members)
    cast = Cast(journey, manager, members, await portal.machine())
    for member in members:
        await portal.until(partial(cast.may, member), "a yes for a member")
    await sign_in(cast)
    return cast


async def sign_in(cast: Cast) -> None:
    """A new token for the manager, whose first one may be minutes old."""
    manager = cast.manager
    manager.access_token = manager.after = ""
    body = {"login": manager.email, "password": manager.password}
    signed_in(
        manager, await cast.journey.portal.call(manager, "accounts", "POST", "/v1/sessions", json=body, expect=200)
    )


async def _send_coordinates(journey: Journey, count: int) -> None:
    """An agent's batch; returns when every member's code is issued."""
    portal = journey.portal
    agent = await portal.agent()
    batch = {"organization_ids": [journey.firm_id], "functions": ["staff_member"]}
    made = await portal.call(agent, "authorizations", "POST", "/v1/linking-code-batches", json=batch, expect=202)
    path = f"/v1/linking-code-batches/{made['batch_id']}"

    async def issued() -> bool:
        found = await portal.call(agent, "authorizations", "GET", path, expect=200)
        return bool(found["issued"] == found["requested"] >= count)

    await portal.until(issued, f"linking codes for {count} members")


async def _join(journey: Journey, member: Someone, terms_version: str) -> None:
    """Registers, verifies, links: steps 1 and 2 of the guide without what can go wrong."""
    portal = journey.portal

    async def coordinates_came() -> bool:
        found = await portal.http.get(f"{portal.platform.inbox}/mails", params={"to": member.email})
        return bool(found.json())

    await portal.until(coordinates_came, f"coordinates to {member.email}")
    number, code = await coordinates_of(journey, member)
    since = now()
    registration = await register(journey, member, terms_version)
    one_time = code_in(await portal.mail(member.email, since, "the one-time code"), ONE_TIME_CODE)
    path = f"/v1/registrations/{registration['registration_id']}/verification"
    signed_in(member, await portal.call(member, "accounts", "POST", path, json={"code": one_time}, expect=201))
    body = {"method": "linking_coordinates", "client_number": number, "linking_code": code}
    linked = await portal.call(member, "linking", "POST", "/v1/links", json=body, expect=201)
    member.profile = linked["profile"]["contact_id"]


async def _side_by_side(step: Callable[[T], Awaitable[None]], items: Sequence[T]) -> None:
    turns = asyncio.Semaphore(AT_ONCE)

    async def in_turn(item: T) -> None:
        async with turns:
            await step(item)

    await asyncio.gather(*(in_turn(item) for item in items))


def _member(number: str) -> Someone:
    return Someone(_address(number), "sept hérons au bord du lac", f"Numéro {number}", "Membre", "fr")


def _address(number: str) -> str:
    return f"membre-{number}@laforce.example"
