"""Old entries are deleted, and what is left is still found to be what was sealed, or not."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chassis.audit import pruning, storage
from chassis.audit.chain import PRUNED, Head
from chassis.audit.pruning import PruneChain, prune_all, prune_chain
from chassis.audit.sealing import seal_all
from chassis.audit.verifying import KnownHead
from chassis.tests.conftest import RETENTION, Bench
from chassis.tests.test_sealing import note
from chassis.tests.test_verifying import FIRM, OTHER, faults, head, verified
from chassis.work import Unit
from contracts.audit import HEADS

YEAR = timedelta(days=366)
KEPT = RETENTION.audit.keeps


def years_on(bench: Bench, years: float) -> Unit[None]:
    """A worker so many years from now."""
    return replace(bench.unit, origin=replace(bench.unit.origin, clock=lambda: datetime.now(UTC) + years * YEAR))


async def grow(bench: Bench, years: float = 0) -> None:
    """Four more entries of the firm and two of another, so many years from now."""
    unit = years_on(bench, years)
    await note(replace(bench, unit=unit), FIRM, OTHER, FIRM)
    await note(replace(bench, unit=unit), FIRM, OTHER, FIRM)
    await seal_all(unit)


async def prune(bench: Bench, years: float) -> None:
    await prune_all(years_on(bench, years), KEPT)


async def numbers(bench: Bench) -> list[tuple[int, str]]:
    """The firm's entries by number and action."""
    rows = await bench.pool.fetch(
        "select s.sequence, a.action from audit_seals s join audit a on a.id = s.entry_id where s.chain_id = $1"
        " order by s.sequence",
        FIRM,
    )
    return [(row["sequence"], row["action"]) for row in rows]


@pytest.fixture
async def pruned(bench: Bench) -> Bench:
    """Of a firm's eight entries the first four are past their time, and gone."""
    await grow(bench)
    await grow(bench, years=7)
    await prune(bench, 7.5)
    return bench


async def test_only_what_is_past_its_time_goes_and_the_rest_verifies(pruned: Bench) -> None:
    assert await numbers(pruned) == [(5, "noted"), (6, "noted"), (7, "noted"), (8, "noted"), (9, PRUNED)]
    assert await pruned.size("audit") == await pruned.size("audit_seals") == 8

    found = await verified(pruned, await head(pruned))
    assert (found.chains, found.entries, found.faults) == (2, 8, [])


async def test_the_chain_goes_on_is_pruned_again_and_its_heads_of_before_are_no_fault(pruned: Bench) -> None:
    before = await head(pruned)
    await grow(pruned, years=14)
    await prune(pruned, 15)

    assert [number for number, _ in await numbers(pruned)] == [10, 11, 12, 13, 14]
    assert await faults(pruned, before, await head(pruned)) == []


async def test_nothing_goes_before_a_month_past_its_time_and_a_chain_at_rest_tells_of_it_once(bench: Bench) -> None:
    await grow(bench)
    await prune(bench, 7 + 30 / 366)
    assert len(await numbers(bench)) == 4

    for years in (8, 16, 24):
        await prune(bench, years)
    assert await numbers(bench) == [(5, PRUNED)]
    assert await faults(bench) == []


async def test_a_long_chain_goes_in_portions(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pruning, "PORTION", 3)
    await grow(bench)
    await prune(bench, 8)

    assert await numbers(bench) == [(5, PRUNED), (6, PRUNED)]
    assert await faults(bench) == []


async def test_what_was_deleted_is_told_by_an_entry_of_the_service_whose_head_is_published(bench: Bench) -> None:
    await grow(bench)
    last = await head(bench)
    command = PruneChain(FIRM, datetime.now(UTC), 10, HEADS["linking"])
    committed = await bench.unit.run(prune_chain, command, bench.unit.origin.itself)

    told = await bench.pool.fetchrow("select * from audit where action = $1", PRUNED)
    assert told is not None and (told["organization_id"], told["actor_kind"], told["rule"]) == (FIRM, *["service"] * 2)
    assert (told["detail"]["up_to"], told["detail"]["digest"]) == (4, last.head.digest.hex())
    assert (committed.outcome, [one.type for one in committed.written]) == (4, ["mandat.linking.AuditSealed.v1"])


async def test_what_is_not_as_sealed_is_not_deleted_for_its_age_and_stays_found(bench: Bench) -> None:
    await grow(bench)
    await bench.pool.execute("update audit set actor_id = 'x' where id = (select min(id) from audit)")
    await prune(bench, 8)

    assert len(await numbers(bench)) == 4
    [(chain_id, sequence, _)] = await faults(bench)
    assert (chain_id, sequence) == (FIRM, 1)


async def change_one(bench: Bench) -> None:
    await _of_number(bench, "update audit set actor_id = 'x'", 6)


async def delete_one(bench: Bench) -> None:
    await _of_number(bench, "delete from audit", 6)


async def delete_the_newest(bench: Bench) -> None:
    await bench.pool.execute(
        "with gone as (delete from audit_seals where chain_id = $1 and sequence > 7 returning entry_id)"
        " delete from audit where id in (select entry_id from gone)",
        FIRM,
    )


async def delete_what_tells_of_the_pruning(bench: Bench) -> None:
    await bench.pool.execute("delete from audit where action = $1 and organization_id = $2", PRUNED, FIRM)


async def begin_after_another(bench: Bench) -> None:
    """As if one entry more had been past its time."""
    await bench.pool.execute(
        "update audit_chains c set (pruned_to, pruned_digest) = (select s.sequence, s.digest from audit_seals s"
        " where s.chain_id = $1 and s.sequence = 5) where c.chain_id = $1",
        FIRM,
    )
    await _of_number(bench, "delete from audit", 5)
    await bench.pool.execute("delete from audit_seals where chain_id = $1 and sequence = 5", FIRM)


async def _of_number(bench: Bench, statement: str, sequence: int) -> None:
    await bench.pool.execute(
        f"{statement} where id = (select entry_id from audit_seals where chain_id = $1 and sequence = $2)",
        FIRM, sequence,
    )  # fmt: skip


FOUND: dict[Callable[[Bench], Awaitable[None]], tuple[int, str]] = {
    change_one: (6, "it was changed or exchanged"),
    delete_one: (6, "is missing"),
    delete_the_newest: (8, "cut off: entries 8 to 9 are missing, which its head counts"),
    delete_what_tells_of_the_pruning: (9, "is missing"),
    begin_after_another: (1, "entries 1 to 5 are missing, and no sealed entry says that they were deleted"),
}


@pytest.mark.parametrize("tampering", FOUND, ids=lambda tampering: tampering.__name__)
async def test_a_changed_a_missing_and_a_cut_off_entry_of_a_pruned_chain_are_found(
    pruned: Bench, tampering: Callable[[Bench], Awaitable[None]]
) -> None:
    await tampering(pruned)

    [(chain_id, sequence, words)] = await faults(pruned)
    assert (chain_id, sequence) == (FIRM, FOUND[tampering][0]) and FOUND[tampering][1] in words


async def test_a_head_of_the_last_entry_that_is_gone_still_counts(pruned: Bench) -> None:
    async with pruned.pool.acquire() as connection:
        beginning = (await storage.chain(connection, FIRM)).beginning
    assert await faults(pruned, KnownHead(FIRM, beginning, "kept")) == []

    [(_, sequence, words)] = await faults(pruned, KnownHead(FIRM, Head(4, b"\0" * 32), "kept"))
    assert sequence == 4 and words.startswith("rewritten")


@pytest.mark.parametrize(("age", "expected"), [(KEPT - timedelta(days=4), 1), (KEPT + timedelta(days=1), 0)])
async def test_a_pruning_of_what_was_not_past_its_time_is_found_by_a_head_that_was_published_since(
    bench: Bench, age: timedelta, expected: int
) -> None:
    await grow(bench)
    young: Any = replace(await head(bench), at=datetime.now(UTC) - age)
    await bench.unit.run(prune_chain, PruneChain(FIRM, datetime.now(UTC), 10, None), bench.unit.origin.itself)

    found = await faults(bench, young)
    assert len(found) == expected
    assert [words for *_, words in found] in ([], [
        "entry 4 is gone too soon, as a head says that was published (kept)"
    ])  # fmt: skip
