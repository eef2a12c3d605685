"""Whatever is changed, deleted, inserted or cut off after it was sealed is found, and the first of it is named."""

import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from chassis import topics
from chassis.audit import storage
from chassis.audit.published import published
from chassis.audit.sealing import SealPortion, chained, seal_all, seal_portion
from chassis.audit.verifying import Fault, KnownHead, Verified, verify
from chassis.commands import audit as command
from chassis.database import Connection, connect
from chassis.kafka import Clients
from chassis.tests.conftest import ACTOR, RETENTION, Bench, RunRelay, Wire, eventually
from chassis.tests.test_sealing import note
from chassis.topics import Wanted
from contracts.audit import HEADS, NO_ORGANIZATION
from contracts.topics import LINKING_AUDIT

FIRM, OTHER = uuid4(), uuid4()
OF_THE_FIRM = 6
LAST = "(select sequence from audit_chains where chain_id = $1)"


async def verified(bench: Bench, *known: KnownHead) -> Verified:
    connection = await connect(bench.dsn)
    try:
        return await verify(connection, known, RETENTION.audit.keeps)
    finally:
        await connection.close()


async def faults(bench: Bench, *known: KnownHead) -> list[tuple[UUID | None, int | None, str]]:
    return [(fault.chain_id, fault.sequence, fault.words) for fault in (await verified(bench, *known)).faults]


async def head(bench: Bench) -> KnownHead:
    """The firm's head, as somebody holds it who read it now."""
    async with bench.pool.acquire() as connection:
        return KnownHead(FIRM, (await storage.heads(connection, [FIRM]))[FIRM], "kept")


@pytest.fixture
async def sealed(bench: Bench) -> Bench:
    """Six entries of a firm, and some of another and of none, sealed in several turns."""
    for _ in range(3):
        await note(bench, FIRM, OTHER, FIRM, None)
        await seal_all(bench.unit)
    return bench


async def rows_of(connection: Connection) -> list[int]:
    """The firm's row ids in the order of its chain; the n-th entry is at n - 1."""
    rows = await connection.fetch("select entry_id from audit_seals where chain_id = $1 order by sequence", FIRM)
    return [row[0] for row in rows]


async def change_detail(connection: Connection, ids: list[int]) -> None:
    await connection.execute("update audit set detail = detail || '{\"number\": 99}' where id = $1", ids[2])


async def change_actor(connection: Connection, ids: list[int]) -> None:
    await connection.execute("update audit set actor_id = 'somebody else' where id = $1", ids[2])


async def change_rule(connection: Connection, ids: list[int]) -> None:
    await connection.execute("update audit set rule = 'agent' where id = $1", ids[2])


async def change_instant(connection: Connection, ids: list[int]) -> None:
    await connection.execute("update audit set at = at + interval '1 microsecond' where id = $1", ids[2])


async def give_to_another_organization(connection: Connection, ids: list[int]) -> None:
    await connection.execute("update audit set organization_id = $2 where id = $1", ids[2], OTHER)


async def change_a_seal(connection: Connection, ids: list[int]) -> None:
    await connection.execute("update audit_seals set digest = sha256('') where entry_id = $1", ids[2])


async def exchange_two(connection: Connection, ids: list[int]) -> None:
    await connection.execute(
        "update audit a set detail = b.detail from audit b where (a.id, b.id) in (($1, $2), ($2, $1))", ids[2], ids[3]
    )


async def exchange_the_places_of_two(connection: Connection, ids: list[int]) -> None:
    await connection.execute("update audit_seals set entry_id = -entry_id where entry_id = $1", ids[2])
    await connection.execute("update audit_seals set entry_id = $2 where entry_id = $1", ids[3], ids[2])
    await connection.execute("update audit_seals set entry_id = $1 where entry_id < 0", ids[3])


async def delete_one(connection: Connection, ids: list[int]) -> None:
    await connection.execute("delete from audit where id = $1", ids[2])


async def delete_one_with_its_seal(connection: Connection, ids: list[int]) -> None:
    await delete_one(connection, ids)
    await connection.execute("delete from audit_seals where entry_id = $1", ids[2])


async def delete_one_and_close_the_gap(connection: Connection, ids: list[int]) -> None:
    await delete_one_with_its_seal(connection, ids)
    await connection.execute(
        "update audit_seals set sequence = sequence - 1 where chain_id = $1 and sequence > 3", FIRM
    )
    await connection.execute("update audit_chains set sequence = sequence - 1 where chain_id = $1", FIRM)


async def delete_the_tail(connection: Connection, ids: list[int]) -> None:
    await connection.execute("delete from audit where id = any($1::bigint[])", ids[2:])
    await connection.execute("delete from audit_seals where entry_id = any($1::bigint[])", ids[2:])


async def delete_the_beginning(connection: Connection, ids: list[int]) -> None:
    await connection.execute("delete from audit where id = any($1::bigint[])", ids[:2])
    await connection.execute("delete from audit_seals where entry_id = any($1::bigint[])", ids[:2])


async def delete_the_beginning_and_begin_later(connection: Connection, ids: list[int]) -> None:
    await connection.execute(
        "update audit_chains c set (pruned_to, pruned_digest) = (select s.sequence, s.digest from audit_seals s"
        " where s.entry_id = $2) where c.chain_id = $1",
        FIRM,
        ids[1],
    )
    await delete_the_beginning(connection, ids)


async def insert_one(connection: Connection, ids: list[int]) -> None:
    """With a place among the others, and a seal that somebody made up."""
    await connection.execute("update audit_seals set sequence = -sequence where chain_id = $1 and sequence >= 3", FIRM)
    await connection.execute("update audit_seals set sequence = 1 - sequence where sequence < 0")
    new = await _copy(connection, ids[2])
    await connection.execute("insert into audit_seals values ($1, 3, $2, sha256('made up'))", FIRM, new)
    await connection.execute("update audit_chains set sequence = sequence + 1 where chain_id = $1", FIRM)


async def _copy(connection: Connection, entry_id: int) -> int:
    columns = "at, organization_id, actor_kind, actor_id, profile_id, action, object_id, detail, data_version, rule"
    new: int = await connection.fetchval(
        f"insert into audit ({columns}) select {columns} from audit where id = $1 returning id", entry_id
    )
    return new


CHANGED = r"entry {} \(row \d+, noted, [\d :-]+ UTC\) is not what was sealed: it was changed or exchanged"
Tampering = Callable[[Connection, list[int]], Awaitable[None]]
FOUND_HERE: dict[Tampering, tuple[int, str]] = {
    change_detail: (3, CHANGED.format(3)),
    change_actor: (3, CHANGED.format(3)),
    change_rule: (3, CHANGED.format(3)),
    change_instant: (3, CHANGED.format(3)),
    give_to_another_organization: (3, CHANGED.format(3)),
    change_a_seal: (3, CHANGED.format(3)),
    exchange_two: (3, CHANGED.format(3)),
    exchange_the_places_of_two: (3, CHANGED.format(3)),
    delete_one: (3, r"entry 3 is missing \(row \d+\); its seal is there"),
    delete_one_with_its_seal: (3, "entry 3 is missing"),
    delete_one_and_close_the_gap: (3, CHANGED.format(3)),
    delete_the_tail: (3, "cut off: entries 3 to 6 are missing, which its head counts"),
    delete_the_beginning: (1, "entries 1 to 2 are missing"),
    delete_the_beginning_and_begin_later: (
        1,
        "entries 1 to 2 are missing, and no sealed entry says that they were deleted for their age",
    ),
    insert_one: (3, CHANGED.format(3)),
}


async def test_what_was_not_touched_verifies(sealed: Bench) -> None:
    found = await verified(sealed, await head(sealed))

    assert (found.chains, found.entries, found.heads, found.faults) == (3, 12, 1, [])


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (Verified(chains=1, entries=1, heads=1), "1 chain, 1 sealed entry, 1 known head: as they were sealed"),
        (Verified(chains=2, entries=3), "2 chains, 3 sealed entries, 0 known heads: as they were sealed"),
        (Verified(faults=[Fault(None, 1, "")]), "0 chains, 0 sealed entries, 0 known heads: 1 fault"),
    ],
)
def test_what_was_counted_is_said_in_words_that_agree(found: Verified, words: str) -> None:
    assert command._sum(found) == words


@pytest.mark.parametrize("tampering", FOUND_HERE, ids=lambda tampering: tampering.__name__)
async def test_the_first_entry_that_is_not_as_sealed_is_named_and_no_other_chain(
    sealed: Bench, tampering: Tampering
) -> None:
    async with sealed.pool.acquire() as connection:
        await tampering(connection, await rows_of(connection))

    [(chain_id, sequence, words)] = await faults(sealed)

    assert (chain_id, sequence) == (FIRM, FOUND_HERE[tampering][0])
    assert re.fullmatch(FOUND_HERE[tampering][1], words)


async def test_a_row_that_no_handler_wrote_is_named(sealed: Bench) -> None:
    async with sealed.pool.acquire() as connection:
        new = await _copy(connection, (await rows_of(connection))[2])

    assert await faults(sealed) == [(FIRM, None, f"row {new} (noted) was put in past the sealer")]


async def test_a_row_that_was_deleted_before_it_was_sealed_is_named(sealed: Bench) -> None:
    await note(sealed, FIRM)
    gone = await sealed.pool.fetchval("delete from audit where id = (select max(id) from audit) returning id")
    await seal_all(sealed.unit)

    assert await faults(sealed) == [(None, None, f"row {gone} was deleted before it was sealed")]


async def test_that_nobody_seals_is_said_and_that_the_newest_wait_is_not(sealed: Bench) -> None:
    await note(sealed, FIRM)
    assert await faults(sealed) == []

    await sealed.pool.execute("update audit set at = at - interval '2 minutes' where id = (select max(id) from audit)")
    [(_, _, words)] = await faults(sealed)
    assert re.fullmatch(r"entries wait to be sealed since .* UTC: no worker seals", words)


async def rewrite_all(bench: Bench) -> None:
    """Change an entry, and compute seals and head anew as the sealer would."""
    async with bench.pool.acquire() as connection, connection.transaction():
        entries = [entry async for _, entry in storage.sealed(connection) if entry and entry.chain_id == FIRM]
        entries[1] = replace(entries[1], detail={"number": 99})
        await connection.execute("update audit set detail = '{\"number\": 99}' where id = $1", entries[1].id)
        await connection.execute("delete from audit_seals where chain_id = $1", FIRM)
        await connection.execute("delete from audit_chains where chain_id = $1", FIRM)
        await storage.seal(connection, chained(entries, {}))


async def cut_off_with_the_head(bench: Bench) -> None:
    async with bench.pool.acquire() as connection:
        ids = await rows_of(connection)
        await delete_the_tail(connection, ids)
        await connection.execute(
            "update audit_chains c set (sequence, digest) = (select s.sequence, s.digest from audit_seals s"
            " where s.entry_id = $2) where c.chain_id = $1",
            FIRM,
            ids[1],
        )


async def delete_the_whole_chain(bench: Bench) -> None:
    async with bench.pool.acquire() as connection:
        await delete_the_beginning(connection, await rows_of(connection))
    for table, column in (("audit", "organization_id"), ("audit_seals", "chain_id"), ("audit_chains", "chain_id")):
        await bench.pool.execute(f"delete from {table} where {column} = $1", FIRM)


FOUND_BY_HEADS: dict[Callable[[Bench], Awaitable[None]], tuple[int, str]] = {
    rewrite_all: (6, "rewritten: up to entry 6, it is not the chain whose head was published (kept)"),
    cut_off_with_the_head: (
        3,
        "cut off: entries 3 to 6 are missing, which a head counts that was published (kept)",
    ),
    delete_the_whole_chain: (
        1,
        "cut off: entries 1 to 6 are missing, which a head counts that was published (kept)",
    ),
}


@pytest.mark.parametrize("tampering", FOUND_BY_HEADS, ids=lambda tampering: tampering.__name__)
async def test_who_holds_a_head_finds_what_the_database_alone_no_longer_tells(
    sealed: Bench, tampering: Callable[[Bench], Awaitable[None]]
) -> None:
    kept = await head(sealed)
    await tampering(sealed)

    assert await faults(sealed) == []
    assert await faults(sealed, kept) == [(FIRM, *FOUND_BY_HEADS[tampering])]


async def test_a_chain_that_goes_on_after_it_was_rewritten_is_found_by_an_older_head(sealed: Bench) -> None:
    kept = await head(sealed)
    await rewrite_all(sealed)
    await note(sealed, FIRM, FIRM)
    await seal_all(sealed.unit)

    [(_, sequence, _)] = await faults(sealed, kept)
    assert sequence == OF_THE_FIRM


async def test_published_heads_are_read_from_the_topic_to_its_end(
    bench: Bench, wire: Wire, run_relay: RunRelay
) -> None:
    await topics.make(Clients(wire.servers), Wanted(wire.prefix, [LINKING_AUDIT], 2))
    run_relay(bench)
    for _ in range(2):
        await note(bench, FIRM, None)
        await bench.unit.run(seal_portion, SealPortion(10, HEADS["linking"]), ACTOR)

    async def sent() -> bool:
        return await bench.size("outbox") == 0

    await eventually(sent)
    found = await published(Clients(wire.servers), wire.prefix, HEADS["linking"])

    assert sorted((one.chain_id, one.head.sequence) for one in found) == [
        (NO_ORGANIZATION, 1), (NO_ORGANIZATION, 2), (FIRM, 1), (FIRM, 2),
    ]  # fmt: skip
    assert (await head(bench)).head in [one.head for one in found if one.chain_id == FIRM]
    assert await faults(bench, *found) == []


def test_a_file_of_heads_is_read_and_a_line_that_is_none_or_no_file_is_named(tmp_path: Path) -> None:
    file = tmp_path / "heads.ndjson"
    line: dict[str, Any] = {"service": "linking", "chain_id": str(FIRM), "sequence": 3, "digest": "5e" * 32}
    file.write_text(json.dumps(line) + "\n" + json.dumps(line | {"service": "accounts"}) + "\n")
    assert [(one.chain_id, one.head.sequence, one.where) for one in command._kept("linking", file)] == [
        (FIRM, 3, "heads.ndjson, line 1")
    ]

    file.write_text(json.dumps(line) + "\n{}\n")
    with pytest.raises(ValueError, match=r"heads\.ndjson, line 2, is not a head"):
        command._kept("linking", file)
    file.unlink()
    with pytest.raises(ValueError, match=r"not verified: .*heads\.ndjson: No such file"):
        command._kept("linking", file)
