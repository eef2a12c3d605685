"""Questions that wait at the same moment are answered together, by one query over all of them."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from chassis.database import neighbour_failed

Q = TypeVar("Q")
A = TypeVar("A")

AT_ONCE = 2  # queries under way: PostgreSQL works on one while we read the other's answer
MOST = 100  # questions of one query: a crowd must not make everybody's answer slow


class Together(Generic[Q, A]):
    """Answers questions of one kind, many by one query.

    A question that finds a query free to start is asked at once; one that comes while all are under way shares the
    next one. Nothing is kept: whatever was committed before a question came is seen by its answer.
    """

    def __init__(self, answer: Callable[[Sequence[Q]], Awaitable[Sequence[A]]], at_once: int = AT_ONCE) -> None:
        """`answer` answers each of several questions, in their order. `at_once` of its calls are under way at most."""
        self._answer = answer
        self._at_once = at_once
        self._waiting: list[tuple[Q, asyncio.Future[A]]] = []
        self._under_way = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def ask(self, question: Q) -> A:
        """The answer to one question. Raises what answering it raises; what is wrong with another one is not heard."""
        answered: asyncio.Future[A] = asyncio.get_running_loop().create_future()
        self._waiting.append((question, answered))
        if len(self._waiting) == 1 and self._under_way < self._at_once:
            self._under_way += 1
            task = asyncio.create_task(self._answer_waiting())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await answered

    async def _answer_waiting(self) -> None:
        """Until nobody waits. It is no longer counted in the very step that sees this.

        A task is done for the loop only later: a question that came in between would find all under way, and wait for
        one that looks no more.
        """
        try:
            while self._waiting:
                asked, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
                await self._answer_these(asked)
        finally:
            self._under_way -= 1

    async def _answer_these(self, asked: Sequence[tuple[Q, "asyncio.Future[A]"]]) -> None:
        try:
            answers = await self._answer([question for question, _ in asked])
            answered_by = list(zip((answered for _, answered in asked), answers, strict=True))
        except Exception as error:
            if len(asked) > 1 and not neighbour_failed(error):
                for alone in asked:
                    await self._answer_these([alone])
                return
            for _, answered in asked:
                if not answered.done():
                    answered.set_exception(error)
            return
        for answered, answer in answered_by:
            if not answered.done():  # whoever asked may have gone
                answered.set_result(answer)
