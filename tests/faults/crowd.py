"""Everybody of the load at once: newcomers, firms and their members, employers, former users, organizations that are
claimed, practices, the agency."""

import asyncio
import itertools
from collections.abc import Sequence
from typing import TypeVar

from tests.faults.claiming import Claimed
from tests.faults.client import Client, Leaves
from tests.faults.extracts import Extract
from tests.faults.firms import Manager, join, responsible
from tests.faults.history import Kind
from tests.faults.mandating import Practising
from tests.faults.people import former_user, newcomers
from tests.faults.population import Firm
from tests.faults.requests import Asker

BETWEEN_IMPORTS = (2.0, 5.0)
"""Seconds; of two, one is the operator's, for which a process is started."""

T = TypeVar("T")


async def crowd(client: Client, registering: int, at_work: asyncio.Event) -> None:
    """Everybody at once; `at_work` is set when whoever manages something has joined. Returns when all have left after
    the end."""
    if client.ground.claimed or client.ground.practices:
        registering //= 3  # whoever claims, or mandates, registers too
    living = [asyncio.create_task(newcomers(client)) for _ in range(registering)]
    living.append(asyncio.create_task(agency(client)))
    claimed = [Claimed(client, one, await client.agent()) for one in client.ground.claimed]
    first, later = claimed[: (len(claimed) + 1) // 2], claimed[(len(claimed) + 1) // 2 :]
    living += [asyncio.create_task(one.live()) for one in first]
    practising = [Practising(client, one, responsible(one.address, one.number), await client.agent())
                  for one in client.ground.practices]  # fmt: skip
    living += [asyncio.create_task(one.live()) for one in practising]
    firms = asyncio.create_task(of_firms(client, client.ground.firms, living))
    for one in first:
        await one.at_work.wait()
    for professional in practising:
        await professional.at_work.wait()
    await firms
    at_work.set()
    living += [asyncio.create_task(one.live()) for one in later]  # two race for each while things break
    await asyncio.gather(*living)


async def of_firms(client: Client, firms: Sequence[Firm], living: list["asyncio.Task[None]"]) -> None:
    """Whoever belongs to firms begins to live; returns when their managers have joined."""
    agent = await client.agent()
    managers = [
        Manager(client, firm, responsible(firm.responsible, firm.number), await client.agent()) for firm in firms
    ]
    employers = [responsible(firm.employer, firm.client) for firm in firms]
    living += [asyncio.create_task(manager.live()) for manager in managers]
    joining = [
        asyncio.create_task(join(client, agent, employer, firm.client))
        for firm, employer in zip(firms, employers, strict=True)
        if firm.employer_joins
    ]
    for manager in managers:
        await manager.at_work.wait()
    await asyncio.gather(*joining)
    for manager, firm, employer in zip(managers, _next(firms), _next(employers), strict=True):
        asker = Asker(client, manager, firm.client, employer if firm.employer_joins else None)
        living.append(asyncio.create_task(asker.live()))
    living += [asyncio.create_task(former_user(client, user)) for firm in firms for user in firm.former_users]


async def agency(client: Client) -> None:
    """Now and then the agency imports: by the command an organization whose trade name has changed, over HTTP an
    extract, the same sometimes again."""
    ground = client.ground
    numbers = [one.number for some in (ground.firms, ground.claimed, ground.practices) for one in some]
    try:
        agent = await client.agent()
        for number in itertools.count(1):
            await client.rest(client.chance.uniform(*BETWEEN_IMPORTS))
            if number % 2 == 0:
                await client.bring_in(client.chance.choice(numbers), f"RAISON {number}")
                continue
            extract = Extract(number, ground.today(), ground.offers)
            for _ in range(client.chance.choice((1, 2))):
                await client.command(
                    Kind.EXTRACT, agent, "authorizations", "POST", "/v1/imports?dry_run=false",
                    asked={"rows": str(extract.rows), "numbers": " ".join(extract.numbers)}, content=extract.content,
                )  # fmt: skip
    except Leaves:
        return


def _next(some: Sequence[T]) -> Sequence[T]:
    """Beside each its neighbour: a firm asks an employer who is not yet its client."""
    return [*some[1:], *some[:1]]
