"""Questions that wait at the same moment share a query, and nothing else."""

import asyncio
from collections.abc import Sequence

import pytest

from chassis.tests.conftest import eventually
from chassis.together import MOST, Together
from tests.fixtures.patience import PATIENCE


class Clerk:
    """Answers numbers with their squares, when it is let; what it was asked at once stands in `asked`."""

    def __init__(self) -> None:
        self.asked: list[Sequence[int]] = []
        self.let = asyncio.Event()
        self.known = 0  # what there is to know when a query begins
        self.together = Together(self.answer, at_once=2)

    async def answer(self, numbers: Sequence[int]) -> list[int]:
        self.asked.append(list(numbers))
        known = self.known
        await self.let.wait()
        if 13 in numbers:
            raise ValueError("13")
        if 99 in numbers:
            raise ConnectionError("away")
        return [number * number + known for number in numbers]

    async def busy(self) -> list[asyncio.Task[int]]:
        """Both queries under way, each with one question."""
        tasks = []
        for number in (1, 2):
            tasks.append(asyncio.create_task(self.together.ask(number)))
            await eventually(lambda: len(self.asked) == number)  # noqa: B023 (awaited before it changes)
        return tasks


async def settled() -> None:
    """Whatever could begin has begun."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_those_who_wait_share_the_next_query_and_each_gets_its_own_answer() -> None:
    clerk = Clerk()
    first = await clerk.busy()
    others = [asyncio.create_task(clerk.together.ask(number)) for number in range(3, 13)]
    await settled()
    assert clerk.asked == [[1], [2]]
    clerk.let.set()
    assert await asyncio.gather(*first, *others) == [number * number for number in range(1, 13)]
    assert clerk.asked == [[1], [2], list(range(3, 13))]


async def test_those_who_ask_at_the_same_moment_share_the_first_query_too() -> None:
    clerk = Clerk()
    clerk.let.set()
    assert await asyncio.gather(*map(clerk.together.ask, range(5))) == [0, 1, 4, 9, 16]
    assert clerk.asked == [[0, 1, 2, 3, 4]]


async def test_an_answer_knows_what_was_true_when_it_was_asked_for() -> None:
    clerk = Clerk()
    first = await clerk.busy()
    clerk.known = 1000  # after the queries under way have looked
    late = asyncio.create_task(clerk.together.ask(3))
    await asyncio.sleep(0)
    clerk.let.set()
    assert await late == 1009
    assert await asyncio.gather(*first) == [1, 4]


async def test_what_is_wrong_with_one_question_is_heard_by_nobody_else() -> None:
    clerk = Clerk()
    clerk.let.set()
    asked = [clerk.together.ask(number) for number in (3, 13, 5)]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert (answers[0], answers[2]) == (9, 25)
    assert isinstance(answers[1], ValueError)
    assert await clerk.together.ask(6) == 36


async def test_a_database_that_is_away_is_asked_once_for_all_who_wait() -> None:
    clerk = Clerk()
    clerk.let.set()
    answers = await asyncio.gather(*map(clerk.together.ask, (3, 99, 5)), return_exceptions=True)
    assert [type(answer) for answer in answers] == [ConnectionError] * 3
    assert clerk.asked == [[3, 99, 5]]


async def test_whoever_left_takes_nobody_s_answer_along() -> None:
    clerk = Clerk()
    first = await clerk.busy()
    gone, stays = (asyncio.create_task(clerk.together.ask(number)) for number in (3, 4))
    await asyncio.sleep(0)
    gone.cancel()
    clerk.let.set()
    assert await stays == 16
    assert await asyncio.gather(*first) == [1, 4]
    with pytest.raises(asyncio.CancelledError):
        await gone


async def test_a_query_takes_so_many_questions_and_the_next_the_rest() -> None:
    clerk = Clerk()
    clerk.let.set()
    await asyncio.gather(*map(clerk.together.ask, range(100, 100 + MOST + 1)))
    assert [len(asked) for asked in clerk.asked] == [MOST, 1]


async def test_whoever_asks_again_in_the_step_that_brings_the_answer_is_answered() -> None:
    clerk = Clerk()
    clerk.let.set()
    alone = Together(clerk.answer, at_once=1)

    async def one_after_another() -> list[int]:
        return [await alone.ask(number) for number in (1, 2, 3)]

    assert await asyncio.wait_for(one_after_another(), PATIENCE) == [1, 4, 9]


async def test_a_question_that_comes_as_every_query_ends_is_answered_and_so_are_later_ones() -> None:
    clerk = Clerk()
    first = await clerk.busy()

    async def as_they_end() -> int:
        await clerk.let.wait()
        return await clerk.together.ask(3)

    late = asyncio.create_task(as_they_end())
    await settled()
    clerk.let.set()
    assert await asyncio.wait_for(late, PATIENCE) == 9
    assert await asyncio.gather(*first) == [1, 4]
    assert await asyncio.wait_for(clerk.together.ask(4), PATIENCE) == 16


async def test_answers_that_are_not_as_many_as_the_questions_are_nobody_s_and_later_ones_are_answered() -> None:
    async def forgets_the_last(numbers: Sequence[int]) -> list[int]:
        return list(numbers)[: max(1, len(numbers) - 1)]

    together = Together(forgets_the_last)
    asked = [asyncio.create_task(together.ask(number)) for number in (1, 2)]
    assert [await asyncio.wait_for(one, PATIENCE) for one in asked] == [1, 2]  # each asked by itself
    assert await asyncio.wait_for(together.ask(3), PATIENCE) == 3
