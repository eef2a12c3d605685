"""Everybody of the load at once: newcomers, firms and their members, employers, former users, the agency."""

import asyncio
import itertools
from collections.abc import Sequence
from typing import TypeVar

from tests.faults.client import Client, Leaves
from tests.faults.extracts import Extract
from tests.faults.firms import Manager, join, responsible
from tests.faults.ground import Firm
from tests.faults.history import Kind
from tests.faults.people import former_user, newcomers
from tests.faults.requests import Asker

BETWEEN_IMPORTS = (2.0, 5.0)
"""Seconds; of two, one is the operator's, for which a process is started."""

T = TypeVar("T")


async def crowd(client: Client, firms: Sequence[Firm], registering: int, at_work: asyncio.Event) -> None:
    """Everybody at once; `at_work` is set when every manager has joined. Returns when all have left after the end."""
    agent = await client.agent()
    managers = [
        Manager(client, firm, responsible(firm.responsible, firm.number), await client.agent()) for firm in firms
    ]
    employers = [responsible(firm.employer, firm.client) for firm in firms]
    living = [asyncio.create_task(manager.live()) for manager in managers]
    joining = [
        asyncio.create_task(join(client, agent, employer, firm.client))
        for firm, employer in zip(firms, employers, strict=True)
        if firm.employer_joins
    ]
    living += [asyncio.create_task(newcomers(client)) for _ in range(registering)]
    living.append(asyncio.create_task(agency(client, firms)))
    for manager in managers:
        await manager.at_work.wait()
    await asyncio.gather(*joining)
    at_work.set()
    for manager, firm, employer in zip(managers, _next(firms), _next(employers), strict=True):
        asker = Asker(client, manager, firm.client, employer if firm.employer_joins else None)
        living.append(asyncio.create_task(asker.live()))
    living += [asyncio.create_task(former_user(client, user)) for firm in firms for user in firm.former_users]
    await asyncio.gather(*living)


async def agency(client: Client, firms: Sequence[Firm]) -> None:
    """Now and then the agency imports: by the command a firm whose trade name has changed, over HTTP an extract, the
    same sometimes again."""
    try:
        agent = await client.agent()
        for number in itertools.count(1):
            await client.rest(client.chance.uniform(*BETWEEN_IMPORTS))
            if number % 2 == 0:
                await client.bring_in(client.chance.choice(firms), f"RAISON {number}")
                continue
            extract = Extract(number, client.ground.today())
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
