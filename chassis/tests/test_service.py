"""A process of a service: ready when it can work, stopped in seconds whatever is broken around it."""

import asyncio
import json
import os
import secrets
import signal
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Protocol
from uuid import uuid4

import httpx
import pytest

from chassis import keys
from chassis.migrations import migrate
from chassis.service import LONGEST_STOP
from chassis.tests.conftest import Bench, Wire, eventually
from chassis.tests.library import opened
from contracts.topics import ACCOUNTS_EVENTS
from local import ROOT
from local.kafka import Kafka
from local.ports import free_ports
from tests.fixtures.patience import PATIENCE
from tests.fixtures.servers import DatabaseServer

Environment = dict[str, str]


class Process:
    """One process of the library, and its operations port."""

    def __init__(self, process: asyncio.subprocess.Process, http: httpx.AsyncClient) -> None:
        self.process = process
        self.http = http

    async def ready(self) -> bool:
        """What /readyz says."""
        try:
            return (await self.http.get("/readyz")).status_code == 200
        except httpx.HTTPError:
            return False

    async def serves(self) -> bool:
        """What /readyz/gateway says."""
        try:
            return (await self.http.get("/readyz/gateway")).status_code == 200
        except httpx.HTTPError:
            return False

    async def alive(self) -> bool:
        """What /livez says."""
        try:
            return (await self.http.get("/livez")).status_code == 200
        except httpx.HTTPError:
            return False

    async def ended(self) -> tuple[int, list[dict[str, str]]]:
        """Its exit status, which says by itself whether it ended in good order and time; and the lines of its log."""
        async with asyncio.timeout(LONGEST_STOP + PATIENCE):
            _, log = await self.process.communicate()
        assert self.process.returncode is not None
        return self.process.returncode, [json.loads(line) for line in log.decode().splitlines()]

    async def terminated(self) -> tuple[int, list[dict[str, str]]]:
        """The same after SIGTERM."""
        self.process.send_signal(signal.SIGTERM)
        return await self.ended()


@pytest.fixture(scope="session")
def kafka(embedded_kafka: Kafka) -> Kafka:
    """Some of these tests freeze the broker."""
    return embedded_kafka


@pytest.fixture
def environment(bench: Bench, tmp_path: Path) -> Environment:
    """The settings of a process whose Kafka is not there."""
    ring = keys.generate("library")
    ring.write(tmp_path / "ring.json")
    keys.write_public([ring], tmp_path / "public.json")
    gateway, operations, kafka = free_ports(3)
    settings = {
        "agency": ROOT / "agencies" / "ccq",
        "database_url": bench.dsn,
        "kafka_servers": f"127.0.0.1:{kafka}",
        "gateway_port": gateway,
        "operations_port": operations,
        "keyring": tmp_path / "ring.json",
        "sealing_keys": tmp_path / "public.json",
        "issuer_base": "http://127.0.0.1:1",
    }
    return {f"MANDAT_{name.upper()}": str(value) for name, value in settings.items()}


def other_ports() -> Environment:
    """For a second process beside the first."""
    gateway, operations = free_ports(2)
    return {"MANDAT_GATEWAY_PORT": str(gateway), "MANDAT_OPERATIONS_PORT": str(operations)}


class Run(Protocol):
    """Starts a process."""

    async def __call__(self, role: str, environment: Environment, module: str = "library") -> Process:
        """`module` of the tests is the service."""


@pytest.fixture
async def run() -> AsyncIterator[Run]:
    """`await run("worker", environment)`: a process, killed at the end if it still runs."""
    started: list[Process] = []

    async def starting(role: str, environment: Environment, module: str = "library") -> Process:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", f"chassis.tests.{module}", role,
            cwd=ROOT, env=dict(os.environ) | environment, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        base = f"http://127.0.0.1:{environment.get('MANDAT_OPERATIONS_PORT', 1)}"
        started.append(Process(process, httpx.AsyncClient(base_url=base, timeout=PATIENCE)))
        return started[-1]

    yield starting
    for found in started:
        await found.http.aclose()
        if found.process.returncode is None:
            found.process.kill()
            await found.process.communicate()


async def test_a_whole_process_relays_consumes_tells_its_figures_and_stops_in_order(
    bench: Bench, wire: Wire, environment: Environment, run: Run
) -> None:
    environment |= {"MANDAT_KAFKA_SERVERS": wire.servers, "MANDAT_TOPIC_PREFIX": wire.prefix}
    running = await run("all", environment)
    await eventually(running.ready)
    identity = uuid4()
    await bench.publish(opened(identity, 1))

    async def applied() -> bool:
        return await bench.counted(identity) == "1"

    await eventually(applied)

    async def relayed() -> bool:
        return f'mandat_outbox_relayed_total{{topic="{wire.topic}"}} 1.0' in (await running.http.get("/metrics")).text

    await eventually(relayed)
    metrics = (await running.http.get("/metrics")).text
    assert f'mandat_messages_total{{consumer="library.{ACCOUNTS_EVENTS.name}",outcome="applied"' in metrics
    assert "mandat_outbox_depth" in metrics
    assert "/v1/books" in (await running.http.get("/openapi.json")).json()["paths"]
    gateway = f"http://127.0.0.1:{environment['MANDAT_GATEWAY_PORT']}"
    assert set((await running.http.get("/readyz/gateway")).json()) == {"status", "database", "running"}
    for path in ("/metrics", "/readyz", "/readyz/gateway", "/livez", "/openapi.json"):
        assert (await running.http.get(gateway + path)).status_code == 404

    status, log = await running.terminated()

    assert status == 0
    assert [line["event"] for line in log if line.get("service") == "library"][-1] == "stopped"


async def test_without_kafka_a_gateway_is_ready_and_a_worker_is_alive_but_not_ready_and_all_stop(
    environment: Environment, run: Run
) -> None:
    worker = await run("worker", environment)
    api = await run("api", environment | other_ports())
    both = await run("all", environment | other_ports())

    await asyncio.gather(eventually(worker.alive), eventually(api.ready), eventually(both.serves))
    assert not await worker.ready()
    assert not await both.ready() and await both.alive()
    ends = await asyncio.gather(worker.terminated(), api.terminated(), both.terminated())

    assert [status for status, _ in ends] == [0, 0, 0]


async def test_a_worker_whose_kafka_stops_answering_still_stops_and_keeps_its_rows(
    bench: Bench, wire: Wire, kafka: Kafka, environment: Environment, run: Run
) -> None:
    environment |= {"MANDAT_KAFKA_SERVERS": wire.servers, "MANDAT_TOPIC_PREFIX": wire.prefix}
    running = await run("worker", environment)
    await eventually(running.ready)
    kafka.pause()
    try:
        await bench.publish(opened(uuid4()))
        await asyncio.sleep(0.2)
        status, _ = await running.terminated()
        assert status == 0
        assert await bench.size("outbox") == 1
    finally:
        kafka.resume()


@pytest.mark.parametrize(("hangs", "last"), [("", "ended by a fault"), ("clings", "ended by force")])
async def test_a_worker_whose_handler_never_comes_back_is_ended_by_its_watchdog_and_its_group_goes_on_elsewhere(
    bench: Bench, wire: Wire, environment: Environment, run: Run, hangs: str, last: str
) -> None:
    environment |= {"MANDAT_KAFKA_SERVERS": wire.servers, "MANDAT_TOPIC_PREFIX": wire.prefix}
    identity = uuid4()
    await wire.send(opened(identity, 1))
    worker = await run("worker", environment | {"HANGS": hangs}, "hanging")

    status, log = await worker.ended()

    assert status == 1
    assert [line["event"] for line in log if line.get("service") == "library"][-1] == last
    assert await bench.counted(identity) is None
    await run("worker", environment | other_ports())

    async def applied() -> bool:
        return await bench.counted(identity) == "1"

    await eventually(applied)


async def test_a_process_that_cannot_start_says_why_in_one_line_and_shows_no_secret(
    environment: Environment, run: Run
) -> None:
    password = "hunter2-of-the-database"
    nonsense = environment | {"MANDAT_DATABASE_URL": f"postgresql://x:{password}@127.0.0.1:1/x?sslmode=often"}
    incomplete = {name: value for name, value in nonsense.items() if "KEYRING" not in name}
    with socket.create_server(("127.0.0.1", int(environment["MANDAT_GATEWAY_PORT"]))):
        processes = [await run("api", broken | other) for broken, other in (
            (incomplete, {}), (nonsense, {}), (environment, {"MANDAT_OPERATIONS_PORT": str(free_ports(1)[0])}),
        )]  # fmt: skip
        ends = await asyncio.gather(*[process.ended() for process in processes])

    reasons = ("MANDAT_KEYRING is not set", "sslmode", "address already in use")
    for (status, log), says in zip(ends, reasons, strict=True):
        assert status != 0
        assert password not in json.dumps(log)
        assert "input_value" not in json.dumps(log)
        assert sum(says in json.dumps(line) for line in log) == 1


async def test_a_process_that_is_started_before_its_database_waits_alive_and_not_ready_then_opens(
    postgres: DatabaseServer, environment: Environment, run: Run
) -> None:
    name = f"chassis_{secrets.token_hex(4)}"
    url = await asyncio.to_thread(postgres.url, name, "chassis")
    api = await run("api", environment | {"MANDAT_DATABASE_URL": url})
    await eventually(api.alive)
    assert (await api.http.get("/readyz")).json() == {"status": "not ready", "schema": False}
    assert not await api.serves()

    await asyncio.to_thread(postgres.create_database, name, "chassis")
    await migrate(url)
    await eventually(api.ready)

    status, log = await api.terminated()
    assert status == 0
    assert next(line for line in log if line.get("service") == "library")["event"] == "waits for its database"


async def test_a_process_that_waits_for_its_database_stops_when_it_is_told_to(
    environment: Environment, run: Run
) -> None:
    password = "hunter2-of-the-database"
    api = await run("api", environment | {"MANDAT_DATABASE_URL": f"postgresql://x:{password}@127.0.0.1:1/x"})
    await eventually(api.alive)

    status, log = await api.terminated()

    assert status == 0
    *waits, stopped = log  # it says so again every ten seconds
    assert {line["lacks"].partition(":")[0] for line in waits} == {"the database cannot be reached"}
    assert stopped["event"] == "stopped" and password not in json.dumps(log)


async def test_a_request_in_hand_when_a_process_is_told_to_stop_is_answered_and_no_other_is_taken(
    environment: Environment, run: Run
) -> None:
    api, port = await run("api", environment), int(environment["MANDAT_GATEWAY_PORT"])
    await eventually(api.ready)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    body = b'{"title": "Dune"}'
    head = ("POST /v1/books HTTP/1.1", "Host: x", "Content-Type: application/json", f"Content-Length: {len(body)}", "")
    writer.write("".join(f"{line}\r\n" for line in head).encode() + body[:5])
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(reader.read(1), 0.2)

    api.process.send_signal(signal.SIGTERM)

    async def refused() -> bool:
        try:
            _, other = await asyncio.open_connection("127.0.0.1", port)
        except ConnectionRefusedError:
            return True
        other.close()
        return False

    await eventually(refused)
    await asyncio.sleep(0.5)
    assert await api.alive() and not await api.ready()
    writer.write(body[5:])
    assert (await reader.readline()).startswith(b"HTTP/1.1 401")
    writer.close()
    status, _ = await api.ended()
    assert status == 0
