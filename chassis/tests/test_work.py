"""One use case, one transaction."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import ClassVar, cast
from uuid import UUID, uuid4

import asyncpg
import pytest
from asyncpg.transaction import Transaction

from chassis import work
from chassis.bell import Bell
from chassis.database import Connection, Pool, neighbour_failed
from chassis.outcomes import CommitUnknown, Refusal
from chassis.tests.conftest import ACTOR, Bench, OpenUnit, all_connections, eventually
from chassis.tests.library import opened
from chassis.work import Work
from tests.fixtures.patience import PATIENCE

KILL = "select pg_terminate_backend(pid) from pg_stat_activity where datname = $1"
INSERT = "insert into counters (id, value) values ($1, 1)"


async def write_everywhere(work: Work[None], identity: UUID) -> None:
    await work.connection.execute(INSERT, identity)
    work.publish(opened(identity))
    work.audit("written", object_id=identity)


async def sizes(bench: Bench) -> tuple[int, ...]:
    return tuple([await bench.size(table) for table in ("counters", "outbox", "audit")])


async def test_state_audit_and_outbox_are_written_together(bench: Bench) -> None:
    await bench.unit.run(write_everywhere, uuid4(), ACTOR)

    assert await sizes(bench) == (1, 1, 1)


async def test_a_raised_error_leaves_no_state_no_audit_and_no_outbox_row(bench: Bench) -> None:
    async def failing(work: Work[None], identity: UUID) -> None:
        await write_everywhere(work, identity)
        raise RuntimeError("after everything")

    with pytest.raises(RuntimeError):
        await bench.unit.run(failing, uuid4(), ACTOR)

    assert await sizes(bench) == (0, 0, 0)


async def test_a_refusal_commits_what_was_counted_audited_and_published(bench: Bench) -> None:
    async def refusing(work: Work[None], identity: UUID) -> Refusal:
        await write_everywhere(work, identity)
        return Refusal("not_permitted")

    committed = await bench.unit.run(refusing, uuid4(), ACTOR)

    assert isinstance(committed.outcome, Refusal)
    assert await sizes(bench) == (1, 1, 1)


async def test_a_collision_runs_the_whole_handler_once_more_and_it_sees_what_it_collided_with(
    bench: Bench, open_unit: OpenUnit
) -> None:
    other = await open_unit(bench.dsn)
    identity = uuid4()
    saw: list[bool] = []

    async def find_or_make(work: Work[None], identity: UUID) -> bool:
        found: bool = await work.connection.fetchval("select exists (select from counters where id = $1)", identity)
        saw.append(found)
        if not found:
            await other.pool.execute(INSERT, identity)  # somebody else is faster
            await work.connection.execute(INSERT, identity)
        return found

    committed = await bench.unit.run(find_or_make, identity, ACTOR)

    assert committed.outcome is True
    assert saw == [False, True]


ROOMS = """
create extension if not exists btree_gist;
create table shelves (id uuid primary key);
create table books (id uuid primary key, shelf uuid references shelves);
create table loans (book uuid, during tstzrange, exclude using gist (book with =, during with &&));
"""


async def test_a_row_that_vanished_and_is_referred_to_runs_the_whole_handler_once_more(
    bench: Bench, open_unit: OpenUnit
) -> None:
    other, shelf = await open_unit(bench.dsn), uuid4()
    await bench.pool.execute(ROOMS)
    await bench.pool.execute("insert into shelves values ($1)", shelf)
    saw: list[bool] = []

    async def shelve(work: Work[None], shelf: UUID) -> str:
        there = await work.connection.fetchval("select exists (select from shelves where id = $1)", shelf)
        saw.append(there)
        await other.pool.execute("delete from shelves where id = $1", shelf)  # somebody else is faster
        if there:
            await write_everywhere(work, uuid4())
            await work.connection.execute("insert into books values ($1, $2)", uuid4(), shelf)
        return "shelved" if there else "no such shelf"

    committed = await bench.unit.run(shelve, shelf, ACTOR)

    assert (committed.outcome, saw) == ("no such shelf", [True, False])
    assert await sizes(bench) == (0, 0, 0)


async def test_periods_that_overlap_run_the_whole_handler_once_more(bench: Bench, open_unit: OpenUnit) -> None:
    other, book = await open_unit(bench.dsn), uuid4()
    await bench.pool.execute(ROOMS)
    lend = "insert into loans values ($1, tstzrange(now(), now() + interval '1 day'))"
    saw: list[bool] = []

    async def borrow(work: Work[None], book: UUID) -> str:
        lent = await work.connection.fetchval("select exists (select from loans where book = $1)", book)
        saw.append(lent)
        if lent:
            return "lent"
        await write_everywhere(work, uuid4())
        await other.pool.execute(lend, book)  # somebody else is faster
        await work.connection.execute(lend, book)
        return "borrowed"

    committed = await bench.unit.run(borrow, book, ACTOR)

    assert (committed.outcome, saw) == ("lent", [False, True])
    assert await sizes(bench) == (0, 0, 0)


async def test_a_collision_that_stays_is_raised_after_the_second_run(bench: Bench) -> None:
    identity = uuid4()
    await bench.pool.execute(INSERT, identity)
    runs: list[int] = []

    async def colliding(work: Work[None], _: None) -> None:
        runs.append(1)
        await work.connection.execute(INSERT, identity)

    with pytest.raises(asyncpg.UniqueViolationError):
        await bench.unit.run(colliding, None, ACTOR)

    assert len(runs) == 2


async def test_two_use_cases_that_lock_each_other_out_both_end_well(bench: Bench) -> None:
    first, second = sorted([uuid4(), uuid4()])
    await bench.pool.executemany(INSERT, [(first,), (second,)])
    both_hold_one = asyncio.Barrier(2)
    runs: list[int] = []
    add = "update counters set value = value + 1 where id = $1"

    async def crossing(work: Work[None], order: tuple[UUID, UUID]) -> None:
        runs.append(1)
        await work.connection.execute(add, order[0])
        if len(runs) <= 2:
            await both_hold_one.wait()
        await work.connection.execute(add, order[1])

    await asyncio.gather(
        bench.unit.run(crossing, (first, second), ACTOR), bench.unit.run(crossing, (second, first), ACTOR)
    )

    assert [row["value"] for row in await bench.rows("counters")] == [3, 3]
    assert len(runs) >= 3


async def test_who_was_locked_out_gives_way_and_runs_again_a_few_times_and_not_for_ever(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "GIVING_WAY", (0, 0, 0))
    runs: list[int] = []

    async def locked_out(_: Work[None], times: int) -> None:
        runs.append(1)
        if len(runs) <= times:
            raise asyncpg.DeadlockDetectedError("deadlock detected")

    await bench.unit.run(locked_out, 3, ACTOR)
    assert len(runs) == 4
    runs.clear()
    with pytest.raises(asyncpg.DeadlockDetectedError):
        await bench.unit.run(locked_out, 4, ACTOR)
    assert len(runs) == 4


async def test_events_of_one_transaction_keep_their_order_in_the_outbox(bench: Bench) -> None:
    identity = uuid4()

    await bench.publish(*[opened(identity, number) for number in range(300)])

    payloads = [row["payload"] for row in await bench.rows("outbox")]
    assert payloads == [opened(identity, number).model_dump_json().encode() for number in range(300)]


async def test_outbox_ids_are_drawn_after_the_row_lock_so_that_they_follow_the_order_of_the_changes(
    bench: Bench,
) -> None:
    identity = uuid4()
    await bench.pool.execute(INSERT, identity)

    async def change(work: Work[None], _: None) -> None:
        number = await work.connection.fetchval(
            "update counters set value = value + 1 where id = $1 returning value", identity
        )
        work.publish(opened(identity, number))

    await asyncio.gather(*[bench.unit.run(change, None, ACTOR) for _ in range(40)])

    payloads = [row["payload"] for row in await bench.rows("outbox")]
    assert payloads == [opened(identity, number).model_dump_json().encode() for number in range(2, 42)]


@pytest.mark.parametrize("failure", [ConnectionResetError(), TimeoutError(), asyncpg.ConnectionDoesNotExistError()])
async def test_a_connection_lost_during_commit_is_told_apart(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    commit = Transaction.commit

    async def committing(self: Transaction) -> None:
        await commit(self)
        raise failure

    monkeypatch.setattr(Transaction, "commit", committing)
    with pytest.raises(CommitUnknown) as raised:
        await bench.unit.run(write_everywhere, uuid4(), ACTOR)

    assert neighbour_failed(raised.value)
    assert await sizes(bench) == (1, 1, 1)  # this time it was done


async def test_a_backend_killed_before_commit_is_commit_unknown_and_leaves_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, superuser: Connection
) -> None:
    commit = Transaction.commit

    async def committing(self: Transaction) -> None:
        await superuser.execute(KILL, bench.dsn.rsplit("/", 1)[1])
        await commit(self)

    monkeypatch.setattr(Transaction, "commit", committing)
    with pytest.raises(CommitUnknown):
        await bench.unit.run(write_everywhere, uuid4(), ACTOR)
    monkeypatch.undo()
    await bench.pool.expire_connections()  # all of them were killed, and some do not know it yet

    assert await sizes(bench) == (0, 0, 0)


async def test_a_constraint_checked_at_commit_is_a_collision_and_not_an_unknown(bench: Bench) -> None:
    await bench.pool.execute(
        "create table late (id int, constraint one unique (id) deferrable initially deferred);"
        "insert into late values (1)"
    )
    runs: list[int] = []

    async def late(work: Work[None], _: None) -> None:
        runs.append(1)
        await work.connection.execute("insert into late values (1)")

    with pytest.raises(asyncpg.UniqueViolationError):
        await bench.unit.run(late, None, ACTOR)

    assert len(runs) == 2


async def test_a_backend_killed_in_the_middle_shows_its_own_error_and_the_pool_recovers(
    bench: Bench, superuser: Connection
) -> None:
    async def killed(work: Work[None], identity: UUID) -> None:
        await write_everywhere(work, identity)
        await superuser.execute("select pg_terminate_backend($1)", work.connection.get_server_pid())
        await work.connection.execute("select 1")

    with pytest.raises(Exception) as raised:
        await bench.unit.run(killed, uuid4(), ACTOR)
    assert neighbour_failed(raised.value)
    assert await sizes(bench) == (0, 0, 0)

    await bench.unit.run(write_everywhere, uuid4(), ACTOR)
    assert await sizes(bench) == (1, 1, 1)


async def test_a_cancelled_use_case_leaves_nothing_and_its_connection_goes_back(bench: Bench) -> None:
    reached = asyncio.Event()

    async def endless(work: Work[None], identity: UUID) -> None:
        await write_everywhere(work, identity)
        reached.set()
        await work.connection.execute("select pg_sleep(60)")

    running = asyncio.create_task(bench.unit.run(endless, uuid4(), ACTOR))
    await reached.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    assert await sizes(bench) == (0, 0, 0)


async def test_a_use_case_cancelled_while_it_commits_is_committed_before_the_cancellation_is_seen(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached = asyncio.Event()
    commit = Transaction.commit

    async def slow(self: Transaction) -> None:
        reached.set()
        await asyncio.sleep(0.1)
        await commit(self)

    monkeypatch.setattr(Transaction, "commit", slow)
    running = asyncio.create_task(bench.unit.run(write_everywhere, uuid4(), ACTOR))
    await reached.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    assert await sizes(bench) == (1, 1, 1)


async def test_whoever_waits_is_woken_after_the_commit_and_not_by_a_rollback(bench: Bench) -> None:
    bell = Bell(bench.pool, "rows")
    bell.answered_here = True

    async def ringing(work: Work[None], fails: bool) -> None:
        work.ring(bell)
        if fails:
            raise RuntimeError

    async def rang() -> bool:
        waiting = asyncio.create_task(bell.wait(60))
        done, _ = await asyncio.wait([waiting], timeout=0.05)
        waiting.cancel()
        return bool(done)

    with pytest.raises(RuntimeError):
        await bench.unit.run(ringing, True, ACTOR)
    assert not await rang()
    await bench.unit.run(ringing, False, ACTOR)
    assert await rang()


async def test_a_ring_while_a_notification_is_under_way_sends_one_more() -> None:
    class Slow:
        statements: ClassVar[list[str]] = []

        async def execute(self, statement: str) -> None:
            self.statements.append(statement)
            if len(self.statements) == 1:
                bell.ring()  # a row is committed when the notification is out and its answer is not yet here

    bell = Bell(cast(Pool, Slow()), "rows")
    bell.ring()

    await eventually(lambda: len(Slow.statements) == 2)


@pytest.mark.parametrize("use", ["acquire", "execute", "fetch", "fetchrow", "fetchval", "a use case"])
async def test_whoever_uses_a_pool_waits_seconds_for_a_free_connection_and_not_for_ever(
    bench: Bench, use: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    uses: dict[str, Callable[[], Awaitable[object]]] = {
        "acquire": bench.pool.acquire,
        "a use case": partial(bench.unit.run, write_everywhere, uuid4(), ACTOR),
        **{
            name: partial(getattr(bench.pool, name), "select 1")
            for name in ("execute", "fetch", "fetchrow", "fetchval")
        },
    }
    async with all_connections(bench.pool), asyncio.timeout(PATIENCE):
        monkeypatch.setattr(bench.pool, "patience", 0.05)
        with pytest.raises(TimeoutError) as raised:
            await uses[use]()
    assert neighbour_failed(raised.value)
