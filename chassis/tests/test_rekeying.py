"""What rests under an older storage key is encrypted anew by command; no key goes while something made with it may
come back."""

import asyncio
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from joserfc.jwk import KeySet
from pydantic import BaseModel

from chassis import keys, rotation
from chassis.keys import Keyring, Use
from chassis.made import made_with, relock
from chassis.sealing import Sealer, Vault
from chassis.tests.conftest import Bench
from chassis.tests.library import service
from local import ROOT

OLD = keys.generate("library")
SUPERSEDED = datetime(2026, 11, 20, tzinfo=UTC)


class Secret(BaseModel):
    """What is sealed in these tests."""

    code: str


def rotated(ring: Keyring, *uses: Use) -> Keyring:
    for use in uses or keys.USES:
        ring = rotation.with_newest_first(rotation.with_another(ring, use), use, SUPERSEDED)
    return ring


NEW = rotated(OLD)


async def keep(bench: Bench, *texts: str) -> list[UUID]:
    ids = [uuid4() for _ in texts]
    await bench.pool.executemany("insert into counters values ($1, 1, $2)", list(zip(ids, texts, strict=True)))
    return ids


async def kept(bench: Bench) -> dict[UUID, str]:
    return {row["id"]: row["last"] for row in await bench.rows("counters")}


async def relocked(bench: Bench, vault: Vault) -> list[tuple[int, int]]:
    """Of each column, how many rows were locked anew, and how many nobody can unlock."""
    return [(one.done, one.unreadable) async for one in relock(bench.pool, vault, service.made.locked)]


async def test_relocking_leaves_nothing_under_an_older_key_and_loses_nothing(bench: Bench) -> None:
    ids = await keep(bench, *[Vault(OLD).lock(f"{number}".encode()) for number in range(10)])
    [current] = await keep(bench, already := Vault(NEW).lock(b"new"))
    key = rotation.find(NEW, "storage", "1")
    assert await made_with(bench.pool, service.made, "storage", key, SUPERSEDED) != []

    assert await relocked(bench, Vault(NEW)) == [(10, 0)]
    alone = Vault(replace(NEW, storage=NEW.storage[:1]))
    found = await kept(bench)
    assert found.pop(current) == already
    assert [alone.unlock(found[one]).decode() for one in ids] == [f"{number}" for number in range(10)]
    assert await made_with(bench.pool, service.made, "storage", key, SUPERSEDED) == []
    assert await relocked(bench, Vault(NEW)) == [(0, 0)]


async def test_what_a_handler_writes_meanwhile_is_not_overwritten(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    [changed, gone] = await keep(bench, *[Vault(OLD).lock(b"before")] * 2)
    after = Vault(OLD).lock(b"after")  # by a process that has the older key in use
    vault = Vault(NEW)
    lock = vault.lock

    def beside(content: bytes) -> str:
        coming.append(content)
        return lock(content)

    coming: list[bytes] = []
    monkeypatch.setattr(vault, "lock", beside)
    async with bench.pool.acquire() as connection, connection.transaction():
        await connection.execute("update counters set last = $1 where id = $2", after, changed)
        await connection.execute("delete from counters where id = $1", gone)
        waiting = asyncio.create_task(relocked(bench, vault))
        while len(coming) < 2:  # it has read what stood there before, and waits for these rows
            await asyncio.sleep(0.01)
    assert await waiting == [(0, 0)]

    assert await kept(bench) == {changed: after}
    assert await relocked(bench, Vault(NEW)) == [(1, 0)]
    assert Vault(NEW).unlock((await kept(bench))[changed]) == b"after"


async def test_what_no_key_opens_any_more_is_counted_and_stands_in_nobodys_way(bench: Bench) -> None:
    strange = Vault(rotated(rotated(keys.generate("library")))).lock(b"of a key that is gone")
    await keep(bench, *[strange] * 4, *[Vault(OLD).lock(b"ours")] * 4)

    assert await relocked(bench, Vault(NEW)) == [(4, 4)]


@pytest.mark.parametrize(
    ("use", "made"),
    [
        ("storage", lambda ring: Vault(ring).lock(b"kept")),
        ("digests", lambda ring: ring.digest("code", "7K3M")),
        ("sealing", lambda ring: Sealer(ring, KeySet([*ring.sealing])).seal("library", Secret(code="7"))),
    ],
)
async def test_a_key_stays_as_long_as_a_row_was_made_with_it(
    bench: Bench, use: Use, made: Callable[[Keyring], str]
) -> None:
    first, long_after = rotation.find(NEW, use, str(OLD.of_use(use)[0].kid)), SUPERSEDED + timedelta(days=400)
    await keep(bench, made(NEW))
    assert await made_with(bench.pool, service.made, use, first, long_after) == []

    await keep(bench, made(OLD))
    assert await made_with(bench.pool, service.made, use, first, long_after) == [
        "1 in counters.last may have been made with it"
    ]


async def test_a_sealing_key_stays_as_long_as_topics_and_dead_letters_may_hold_a_seal_to_it(bench: Bench) -> None:
    first = rotation.find(NEW, "sealing", "library.1")
    reasons = await made_with(bench.pool, service.made, "sealing", first, SUPERSEDED + timedelta(days=6))
    assert reasons == [
        "topics keep seals to it until 2026-11-27T00:00:00+00:00, if the other services have the newer key since then"
    ]
    sealed = Sealer(OLD, KeySet([*OLD.sealing])).seal("library", Secret(code="7"))
    await bench.pool.execute(
        'insert into dead_letters (consumer, topic, partition, "offset", headers, payload, reason, behind, ordered,'
        " attempts, first_at, last_at) values ('c', 't', 0, 1, '[]', $1, 'r', false, false, 1, now(), now())",
        f'{{"sealed":"{sealed}"}}'.encode(),
    )

    late = SUPERSEDED + timedelta(days=8)
    assert await made_with(bench.pool, service.made, "sealing", first, late) == [
        "1 in dead_letters may have been made with it"
    ]


async def test_a_digest_that_does_not_name_its_key_counts_by_when_its_row_was_made(bench: Bench) -> None:
    first = rotation.find(NEW, "digests", "1")
    for days, found in ((1, 0), (-1, 1)):
        await bench.pool.execute(
            "insert into inbox (consumer, event_id, applied_at) values ('c', $1, $2)",
            uuid4(), SUPERSEDED + timedelta(days=days),
        )  # fmt: skip
        assert len(await made_with(bench.pool, service.made, "digests", first, SUPERSEDED)) == found
    unknown = OLD.digests[0]
    assert await made_with(bench.pool, service.made, "digests", unknown, SUPERSEDED) == [
        "its keyring does not say since when another key is in use"
    ]


async def test_an_operator_relocks_and_retires_and_both_are_audited(bench: Bench, tmp_path: Path) -> None:
    file = tmp_path / "ring.json"
    rotated(OLD, "storage").write(file)
    keys.write_public([OLD], tmp_path / "public.json")
    await keep(bench, *[Vault(OLD).lock(b"kept")] * 2)
    settings = {
        "agency": ROOT / "agencies" / "ccq",
        "database_url": bench.dsn,
        "gateway_port": 1,
        "operations_port": 1,
        "keyring": file,
        "sealing_keys": tmp_path / "public.json",
        "issuer_base": "http://127.0.0.1:1",
    }
    environment = {f"MANDAT_{name.upper()}": str(value) for name, value in settings.items()}
    retire = ("retire", str(file), "--use", "storage", "1", "--by", "marie")

    assert await run(environment, *retire) == (
        1, "", "storage key 1 stays:\n  2 in counters.last may have been made with it\n",
    )  # fmt: skip
    assert await run(environment, "relock", "--by", "marie") == (
        0, "counters.last: 2 locked anew with key 2\n", "",
    )  # fmt: skip
    assert (await run(environment, *retire))[:2] == (0, "")
    assert [key.kid for key in keys.read(file).storage] == ["2"]
    assert await run(environment, "retire", str(file), "--use", "storage", "2", "--by", "marie") == (
        1, "", "storage key 2 is in use\n",
    )  # fmt: skip

    audited = [(row["action"], row["actor_id"], row["detail"]) for row in await bench.rows("audit")]
    assert audited == [
        ("keys.relocked", "marie", {"kid": "2", "rows": {"counters.last": 2}}),
        ("key.retired", "marie", {"use": "storage", "kid": "1"}),
    ]


async def run(environment: dict[str, str], *arguments: str) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "chassis.tests.library", "keys", *arguments,
        cwd=ROOT, env=dict(os.environ) | environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    output, errors = await process.communicate()
    assert process.returncode is not None
    return process.returncode, output.decode(), errors.decode()
