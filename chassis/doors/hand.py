"""A lane's hand: a place among the transactions of all doors, and a connection, for a few messages in a row."""

import asyncio
from dataclasses import replace
from types import TracebackType
from typing import Generic, Self, TypeVar

from chassis.work import Unit

T = TypeVar("T")

IN_A_ROW = 20  # messages, some ten milliseconds: then whoever waits for a place has its turn


class Hand(Generic[T]):
    """Takes a connection out of the pool when a message needs one, and keeps it for those right behind."""

    def __init__(self, unit: Unit[T], places: asyncio.Semaphore) -> None:
        """`places` bounds the transactions that the doors of a process have open at once."""
        self._free = unit
        self._places = places
        self._bound: Unit[T] | None = None
        self._left = 0

    async def unit(self) -> Unit[T]:
        """A unit on a connection of its own, for one transaction. Raises what a failing database raises."""
        if self._left == 0:
            await self.put_down()
            await self._take_up()
        self._left -= 1
        assert self._bound is not None
        return self._bound

    async def put_down(self) -> None:
        """Give place and connection back: at the end, before a pause, and after a fault, which may lie in it."""
        bound, self._bound, self._left = self._bound, None, 0
        if bound is None or bound.held is None:
            return
        try:
            await self._free.pool.release(bound.held)
        finally:
            self._places.release()

    async def _take_up(self) -> None:
        await self._places.acquire()
        try:
            connection = await self._free.pool.acquire()
        except BaseException:
            self._places.release()
            raise
        self._bound, self._left = replace(self._free, held=connection), IN_A_ROW

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.put_down()
