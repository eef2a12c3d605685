"""The relay, rows a second, beside a bare producer of the same records; its memory; what a kill -9 makes it repeat."""

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from statistics import median
from uuid import UUID

import asyncpg
from uuid_utils.compat import uuid7

from bench.measuring import now, own_folder, say, table
from bench.topics import everything_on
from chassis import outbox
from chassis.database import WRITE_JSON, connect
from chassis.kafka import Clients
from chassis.migrations import migrate
from chassis.outbox import Record
from chassis.relay import BATCH, make_producer
from chassis.topics import Wanted
from chassis.topics import make as make_topics
from contracts.authorizations import RelationAdded
from contracts.cloudevents import Envelope
from contracts.events import Span
from contracts.topics import PARTITIONS, Kind, Topic
from local import ROOT, Problem
from local.kafka import Kafka
from local.ports import free_ports
from local.postgres import Postgres
from local.processes import Processes

ROWS = 100_000
KEYS = 5_000  # organizations among which the rows are spread
TURNS = 3  # of figure and floor, one after the other
PORTION = 5_000  # rows of one insert
LOOK_EVERY = 0.01  # seconds between two looks at the outbox
KILLS = 10  # spread evenly over the rows
KILL_WITHIN = 0.05  # seconds after a batch was seen to be gone; without chance a kill would always find the same place
PATIENCE = 300.0  # seconds for one outbox to become empty
KIBIBYTES = 1024
AIM = f"aim: 0.6 of the floor, about 18,000 a second; under 150 MB; repeats at most one batch, {BATCH}"


@dataclass(frozen=True)
class Ground:
    """What everything here runs on."""

    dsn: str
    servers: str
    records: Sequence[Record]

    def topic(self, name: str) -> Topic:
        """A topic of its own for one turn."""
        return Topic(f"bench.{name}", "organization_id", Kind.PUBLIC, partitions=PARTITIONS)


def run(small: bool) -> None:
    """Measure, and print one table."""
    if not Path("/proc/self/status").exists():
        raise Problem("Memory is read from /proc, which this system does not have: relay measures on Linux only.")
    with own_folder() as folder, _ground(folder, ROWS // 10 if small else ROWS) as ground:
        asyncio.run(_measure(ground))


@contextmanager
def _ground(folder: Path, rows: int) -> Iterator[Ground]:
    """A broker and a durable database of their own."""
    processes = Processes()
    port, kafka_port, controller_port = free_ports(3)
    postgres = Postgres(folder / "postgres", port, folder / "postgres.log", durable=True, processes=processes)
    kafka = Kafka(folder / "kafka", kafka_port, controller_port, folder / "kafka.log", processes)
    try:
        postgres.start()
        kafka.start()
        dsn = postgres.create_database("bench", "bench")
        asyncio.run(migrate(dsn))
        yield Ground(dsn, kafka.servers, _records(rows))
    finally:
        processes.stop_all()


def _records(rows: int) -> list[Record]:
    """Relations that were added, as authorizations publishes them."""
    drawn = random.Random(1)
    keys = [UUID(int=drawn.getrandbits(128), version=4) for _ in range(KEYS)]
    valid = Span(starts_on=date(2026, 1, 1).isoformat())
    found = []
    for number in range(rows):
        event = RelationAdded(
            organization_id=drawn.choice(keys), sequence=number + 1, relation_id=uuid7(), type="member",
            holder_kind="contact", holder_id=uuid7(), valid=valid,
        )  # fmt: skip
        envelope = Envelope.around(event, id=uuid7(), source="urn:mandat:ccq:authorizations", time=now())
        headers = WRITE_JSON(envelope.attributes())
        found.append(Record("", event.key, headers, event.model_dump_json().encode(), is_state=False))
    return found


async def _measure(ground: Ground) -> None:
    bare, relayed, memory = [], [], []
    for turn in range(TURNS):
        say(f"turn {turn + 1}: bare producer, then relay")
        bare.append(await _bare(ground, ground.topic(f"bare{turn}")))
        speed, peak = await _relay(ground, ground.topic(f"relay{turn}"))
        relayed.append(speed)
        memory.append(peak)
    say(f"{KILLS} × kill -9 under way")
    repeats, lost, inverted = await _killed(ground, ground.topic("killed"))
    rows = len(ground.records)
    table(
        f"{rows:,} rows, a second ({AIM})",
        ("min", "median", "max"),
        [
            ("relay: outbox → Kafka → deleted", _shown(relayed)),
            (f"floor: bare idempotent producer, {BATCH} at once", _shown(bare)),
            ("of the floor", ["", f"{median(relayed) / median(bare):.2f}", ""]),
            ("memory of the relay's process at its peak, MB", _shown(memory)),
            (f"repeats after each of {KILLS} kill -9 under way", _shown(repeats)),
        ],
    )
    say(f"\nAfter the kills: {lost} of {rows:,} lost, {inverted} first ones out of order (aim: 0, 0).")


def _shown(values: Sequence[float]) -> list[str]:
    return [f"{value:,.0f}" for value in (min(values), median(values), max(values))]


async def _bare(ground: Ground, topic: Topic) -> float:
    """Records a second of the relay's own kind of producer, from memory, as many at once as the relay."""
    await make_topics(Clients(ground.servers), Wanted(topics=[topic]))
    messages = [
        (
            record.payload,
            record.key.encode(),
            [(name, value.encode()) for name, value in json.loads(record.headers).items()],
        )
        for record in ground.records
    ]
    async with make_producer(Clients(ground.servers)) as producer:
        for partition in range(topic.partitions):
            await producer.send_and_wait(topic.name, b"warm-up", partition=partition)
        begun = time.perf_counter()
        for start in range(0, len(messages), BATCH):
            await asyncio.gather(
                *[
                    await producer.send(topic.name, value=value, key=key, headers=headers)
                    for value, key, headers in messages[start : start + BATCH]
                ]
            )
        return len(messages) / (time.perf_counter() - begun)


async def _relay(ground: Ground, topic: Topic) -> tuple[float, float]:
    """Rows a second from the first row that is gone to the last, and the peak of the process's memory in MB."""
    await _fill(ground, topic)
    looking = await connect(ground.dsn)
    with _relaying(ground) as process:
        first_left = await _until(looking, lambda left: left < len(ground.records))
        begun = time.perf_counter()
        await _until(looking, lambda left: left == 0)
        speed = first_left / (time.perf_counter() - begun)
        peak = _peak(process.pid)
    await looking.close()
    return speed, peak


async def _killed(ground: Ground, topic: Topic) -> tuple[list[int], int, int]:
    """Kill the relay again and again while it is at work.

    Returns how many records stand on the topic more than once, by the kill that made them; how many not at all; how
    many first ones stand behind a later one of their key.
    """
    await _fill(ground, topic)
    rows, drawn = len(ground.records), random.Random(2)
    looking = await connect(ground.dsn)
    killed_at = [0]
    for number in range(1, KILLS + 1):
        with _relaying(ground) as process:
            await _until(looking, _below(rows - rows * number // (KILLS + 1)))
            await asyncio.sleep(drawn.uniform(0, KILL_WITHIN))
            process.send_signal(signal.SIGKILL)
            process.wait()
            killed_at.append(rows - await _until(looking, lambda _: True))
    with _relaying(ground):
        await _until(looking, lambda left: left == 0)
    await looking.close()
    repeated, lost, inverted = await _read_back(ground, topic)
    by_kill = [sum(1 for place in repeated if place >= start) for start in killed_at[1:]]
    return [here - later for here, later in zip(by_kill, [*by_kill[1:], 0], strict=True)], lost, inverted


def _below(rows: int) -> Callable[[int], bool]:
    return lambda left: left < rows


async def _read_back(ground: Ground, topic: Topic) -> tuple[list[int], int, int]:
    """The places of what stands there again, how many are lost, how many first ones are out of their key's order."""
    places = {json.loads(record.headers)["ce_id"]: place for place, record in enumerate(ground.records)}
    seen: set[int] = set()
    latest: dict[bytes, int] = {}
    repeated: list[int] = []
    inverted = 0
    for held in await everything_on(ground.servers, topic):
        place = places[dict(held.record.headers)["ce_id"].decode()]
        if place in seen:
            repeated.append(place)
            continue
        seen.add(place)
        inverted += place < latest.get(held.record.key, -1)
        latest[held.record.key] = place
    return repeated, len(ground.records) - len(seen), inverted


async def _fill(ground: Ground, topic: Topic) -> None:
    """Put every record into the outbox, for this topic, while no relay is at work."""
    await make_topics(Clients(ground.servers), Wanted(topics=[topic]))
    connection = await connect(ground.dsn)
    for start in range(0, len(ground.records), PORTION):
        portion = ground.records[start : start + PORTION]
        await outbox.write(connection, [Record(topic.name, r.key, r.headers, r.payload, r.is_state) for r in portion])
    await connection.execute("vacuum analyze outbox")
    await connection.close()


@contextmanager
def _relaying(ground: Ground) -> Iterator["subprocess.Popen[bytes]"]:
    """A process with a relay, told to stop at the end if it still lives."""
    environment = dict(os.environ) | {"BENCH_DATABASE_URL": ground.dsn}
    process = subprocess.Popen([sys.executable, "-m", "bench.relaying", ground.servers], cwd=ROOT, env=environment)
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


async def _until(connection: "asyncpg.Connection[asyncpg.Record]", fits: Callable[[int], bool]) -> int:
    """How many rows are left when that first fits. Ids are drawn without a gap, so the ends tell."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        row = await connection.fetchrow("select coalesce(max(id) - min(id) + 1, 0) as left from outbox")
        assert row is not None
        left: int = row["left"]
        if fits(left):
            return left
        await asyncio.sleep(LOOK_EVERY)
    raise Problem("The outbox did not become empty: see the relay's lines above.")


def _peak(pid: int) -> float:
    """The most memory that a process has had resident, in MB."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * KIBIBYTES / 1_000_000
    raise Problem("/proc tells no VmHWM here.")
