"""What arrives at a door, for its tests: handlers that fail, and what to wait for."""

from typing import Any
from uuid import UUID

from chassis.subscriptions import Order, Subscription
from chassis.tests.conftest import Bench, eventually
from chassis.tests.library import count
from chassis.work import Work
from contracts.accounts import AccountOpened

KEPT = Subscription(AccountOpened, count, Order.KEPT)


def failing(error: Exception, *, on: str = "0") -> Any:
    """A handler that counts, and then raises for one content."""

    async def handler(work: Work[None], event: AccountOpened) -> None:
        await count(work, event)
        if event.terms_version == on:
            raise error

    return handler


async def handled(bench: Bench, identity: UUID, numbers: str) -> None:
    """Wait until just these numbers of the key were handled, in this order."""

    async def found() -> bool:
        return await bench.counted(identity) == numbers

    await eventually(found)


async def parked(bench: Bench, number: int) -> list[Any]:
    """Wait for so many dead letters."""

    async def found() -> bool:
        return await bench.size("dead_letters") == number

    await eventually(found)
    return await bench.rows("dead_letters")
