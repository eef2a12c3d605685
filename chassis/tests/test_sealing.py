"""What is audited is sealed within a second or so, by one process, and nothing is left out whatever commits when."""

import asyncio
import hashlib
import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from prometheus_client import REGISTRY as METRICS

from chassis import chores
from chassis.audit import metrics, sealing, storage
from chassis.audit.chain import Entry, canonical, digest
from chassis.audit.sealing import SealPortion, seal_all, seal_portion
from chassis.tests.conftest import ACTOR, RETENTION, Bench, OpenUnit, eventually
from chassis.work import Actor, Work
from contracts.audit import HEADS, NO_ORGANIZATION, AuditSealed

ENTRY = Entry(
    id=7, at=datetime(2026, 11, 22, 15, 4, 5, tzinfo=UTC), organization_id=UUID(int=10), actor_kind="account",
    actor_id=str(UUID(int=1)), profile_id=UUID(int=20), action="relation_added", object_id=UUID(int=30),
    detail={"œuvre": ["é", None, True], "count": 2}, data_version="1", rule="manages:responsible_person",
)  # fmt: skip


async def note(bench: Bench, *organizations: UUID | None, actor: Actor = ACTOR) -> None:
    """One entry for each, in one transaction."""

    async def noting(work: Work[None], organizations: tuple[UUID | None, ...]) -> None:
        for number, organization_id in enumerate(organizations):
            work.audit("noted", organization_id=organization_id, number=number)

    await bench.unit.run(noting, organizations, actor)


async def chains(bench: Bench) -> dict[UUID, list[int]]:
    """The ids of the sealed entries of each chain, in order."""
    found: dict[UUID, list[int]] = {}
    for row in await bench.pool.fetch("select * from audit_seals order by chain_id, sequence"):
        found.setdefault(row["chain_id"], []).append(row["entry_id"])
        assert row["sequence"] == len(found[row["chain_id"]])
    return found


def test_an_entry_and_all_before_it_make_a_digest_that_other_tools_can_check() -> None:
    previous = hashlib.sha256(b"before").digest()
    text = canonical(ENTRY, 3, previous)

    assert text.decode() == (
        '{"action":"relation_added","actor_id":"00000000-0000-0000-0000-000000000001","actor_kind":"account",'
        '"at":"2026-11-22T15:04:05.000000+00:00","data_version":"1","detail":{"count":2,"œuvre":["é",null,true]},'
        '"id":7,"object_id":"00000000-0000-0000-0000-00000000001e",'
        '"organization_id":"00000000-0000-0000-0000-00000000000a",'
        f'"previous":"{previous.hex()}","profile_id":"00000000-0000-0000-0000-000000000014",'
        '"rule":"manages:responsible_person","sequence":3}'
    )
    assert digest(ENTRY, 3, previous) == hashlib.sha256(text).digest()
    assert set(json.loads(text)) == {*Entry.__dataclass_fields__, "sequence", "previous"}


async def test_entries_are_chained_per_organization_and_those_of_none_in_a_chain_of_their_own(bench: Bench) -> None:
    one, other = uuid4(), uuid4()
    await note(bench, one, other, one, None)
    await seal_all(bench.unit)
    await note(bench, one)
    await seal_all(bench.unit)

    first, second, third, fourth, fifth = [row["id"] for row in await bench.rows("audit")]
    assert await chains(bench) == {one: [first, third, fifth], other: [second], NO_ORGANIZATION: [fourth]}
    assert await bench.size("audit_unsealed") == 0
    [head] = await bench.pool.fetch("select sequence, digest from audit_chains where chain_id = $1", one)
    last = await bench.pool.fetchval("select digest from audit_seals where entry_id = $1", fifth)
    assert tuple(head) == (3, last)


async def test_a_head_is_published_for_each_chain_that_grew_and_not_for_each_entry(bench: Bench) -> None:
    one, other = uuid4(), uuid4()
    await note(bench, one, one, other)

    await bench.unit.run(seal_portion, SealPortion(10, HEADS["linking"]), ACTOR)

    published = [AuditSealed.model_validate_json(row["payload"]) for row in await bench.rows("outbox")]
    assert [(head.chain_id, head.version) for head in published] == [(one, 2), (other, 1)]
    found = {row["chain_id"]: row["digest"].hex() for row in await bench.rows("audit_chains")}
    assert found == {head.chain_id: head.digest for head in published}
    assert {row["topic"].removeprefix(bench.unit.origin.topic_prefix) for row in await bench.rows("outbox")} == {
        "linking.audit"
    }


async def test_an_entry_whose_transaction_commits_late_is_sealed_when_it_is_there(bench: Bench) -> None:
    organization, drawn, commit = uuid4(), asyncio.Event(), asyncio.Event()

    async def slowly(work: Work[None], organization_id: UUID) -> None:
        work.audit("slow", organization_id=organization_id)
        await work.flush()  # its id is drawn, and lower than that of who commits first
        drawn.set()
        await commit.wait()

    late = asyncio.create_task(bench.unit.run(slowly, organization, ACTOR))
    await drawn.wait()
    await note(bench, organization)
    await seal_all(bench.unit)
    assert [len(ids) for ids in (await chains(bench)).values()] == [1]
    commit.set()
    await late
    await seal_all(bench.unit)

    slow, fast = [row["id"] for row in await bench.rows("audit")]
    assert await chains(bench) == {organization: [fast, slow]}


async def test_several_processes_seal_while_others_write_and_every_entry_is_sealed_once(
    bench: Bench, open_unit: OpenUnit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealing, "PORTION", 7)
    others = [await open_unit(bench.dsn) for _ in range(2)]
    organizations = [uuid4() for _ in range(3)]
    writing = asyncio.gather(*[note(other, *organizations) for other in others for _ in range(40)])
    while not writing.done():
        await asyncio.gather(*[seal_all(one.unit) for one in (bench, *others)])
    await writing
    await seal_all(bench.unit)

    sealed = [identity for ids in (await chains(bench)).values() for identity in ids]
    assert sorted(sealed) == [row["id"] for row in await bench.rows("audit")]
    assert len(sealed) == 240


async def test_while_one_process_seals_another_leaves_it_alone(bench: Bench, open_unit: OpenUnit) -> None:
    other = await open_unit(bench.dsn)
    await note(bench, None)
    async with other.pool.acquire() as connection, connection.transaction():
        assert await storage.take_turn(connection)
        await seal_all(bench.unit)
        assert await bench.size("audit_seals") == 0

    await seal_all(bench.unit)
    assert await bench.size("audit_seals") == 1


async def test_a_worker_seals_unasked(bench: Bench) -> None:
    await note(bench, None)
    *_, sealer = chores.of_every_worker(bench.unit, RETENTION)

    async def run() -> None:
        await sealer()

    running = asyncio.create_task(run())

    async def sealed() -> bool:
        return await bench.size("audit_seals") == 1

    await eventually(sealed)
    running.cancel()
    await asyncio.wait([running])


async def test_how_long_the_oldest_entry_waits_can_be_seen(bench: Bench) -> None:
    def age() -> float:
        return METRICS.get_sample_value("mandat_audit_unsealed_seconds") or 0

    await note(bench, None)
    await bench.pool.execute("update audit set at = at - interval '1 hour'")
    await note(bench, None)
    await metrics.look(bench.pool)
    assert 3600 <= age() < 3700

    before = METRICS.get_sample_value("mandat_audit_sealed_total") or 0
    await seal_all(bench.unit)
    await metrics.look(bench.pool)
    assert age() == 0 and METRICS.get_sample_value("mandat_audit_sealed_total") == before + 2


@pytest.mark.parametrize(
    ("actor", "rule"),
    [
        (Actor("account", "a"), "self"),
        (Actor("account", "a", uuid4()), None),  # only its handler knows
        (Actor("agent", "i#s"), "agent"),
        (Actor("anonymous", ""), None),
    ],
)
async def test_why_an_actor_may_is_noted_also_where_no_handler_says_it(
    bench: Bench, actor: Actor, rule: str | None
) -> None:
    await note(bench, None, actor=actor)

    assert [row["rule"] for row in await bench.rows("audit")] == [rule]


async def test_a_handler_says_why_the_actor_may(bench: Bench) -> None:
    async def managing(work: Work[Any], _: None) -> None:
        work.rule = "manages:president"
        work.audit("managed")

    await bench.unit.run(managing, None, Actor("account", "a", uuid4()))

    assert [row["rule"] for row in await bench.rows("audit")] == ["manages:president"]
