"""Composes a process of a service: starts its parts in order, stops them in reverse."""

import asyncio
import contextlib
import gc
import json
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextvars import copy_context
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Generic, TypeVar
from zoneinfo import ZoneInfo

import structlog
import uvicorn
import uvloop
from fastapi import APIRouter, FastAPI
from starlette.types import ASGIApp
from uuid_utils.compat import uuid7

from chassis import chores, gateway, gauges, keys, operations, schema, telemetry, tracing
from chassis import settings as environment
from chassis.bell import Bell
from chassis.chores import Chore
from chassis.database import Address, Pool, create_pool
from chassis.dead_letters import api as letters
from chassis.dead_letters.redrive import Redrive
from chassis.doors import Doors
from chassis.gateway import Gateway
from chassis.kafka import Clients
from chassis.made import NOTHING, Made
from chassis.relay import Relay
from chassis.sealing import Sealer
from chassis.settings import FaultySettings, Settings
from chassis.subscriptions import Subscription
from chassis.tokens import Verifier
from chassis.work import Origin, Unit
from contracts import agency as agencies
from contracts import flow
from contracts.events import Language
from contracts.problems import PLATFORM, Texts

log = structlog.get_logger()
T = TypeVar("T")

LONGEST_STOP = 60.0  # seconds for a stop in good order, twice what one takes; then the process ends by force
STOP_SERVING = 10  # seconds for the requests in hand; longer than any takes, as those that wait for news are let go
YOUNG_OBJECTS = 20_000  # alive at once before cycles are looked for; Python's 700 are fewer than 16 requests make
GO_ELSEWHERE = (b"connection", b"close")
LETS_GO = 2.0  # seconds for callers that keep connections to ask once more, and be told to go
LAST_BATCH = 5.0  # seconds for what Kafka has not yet acknowledged when a process stops; the next one sends it again


@dataclass(frozen=True)
class Platform:
    """What a service's own parts are built from. Whoever lets a caller wait lets it go once `stopping` is set."""

    settings: Settings
    agency: agencies.Agency
    pool: Pool
    keyring: keys.Keyring
    sealer: Sealer
    origin: Origin
    stopping: asyncio.Event


@dataclass(frozen=True)
class Service(Generic[T]):
    """What one service is made of.

    `tools` builds what its handlers work with; `chores` are tasks a worker runs besides its doors, each until
    cancelled; `apart` are applications with rules of their own, each at a path; `made` is what rests under its keys.
    """

    name: str
    description: str
    settings: type[Settings]
    tools: Callable[[Platform], Awaitable[T]]
    routers: Sequence[APIRouter]
    subscriptions: Sequence[Subscription[T]] = ()
    chores: Callable[[Unit[T]], Sequence[Chore]] = lambda _: ()
    apart: Callable[[Gateway[T]], dict[str, ASGIApp]] = lambda _: {}
    made: Made = NOTHING


class _Server(uvicorn.Server):
    """uvicorn in a loop that is not its own: signals are the process's business."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Serving:
    """A server at work."""

    def __init__(self, server: _Server, stopping: asyncio.Event) -> None:
        """It listens from now on; where it cannot, the process ends. One that ends sets `stopping`."""
        self._server = server
        self._task = asyncio.create_task(server.serve(), name="http")
        self._task.add_done_callback(lambda _: stopping.set())

    async def stop(self) -> None:
        """Let callers go, then take no new request, and finish those in hand, within STOP_SERVING seconds.

        Whoever keeps its connection is told with its next answer to make another one, which leads elsewhere: one that
        is closed as a request comes would lose that request.
        """
        config, state = self._server.config, self._server.server_state
        config.encoded_headers.append(GO_ELSEWHERE)
        state.default_headers = [*state.default_headers, GO_ELSEWHERE]
        until = asyncio.get_running_loop().time() + LETS_GO
        while state.connections and asyncio.get_running_loop().time() < until:  # noqa: ASYNC110 (uvicorn's, in no event)
            await asyncio.sleep(0.02)
        self._server.should_exit = True
        await asyncio.gather(self._task, return_exceptions=True)


def main(service: Service[T], role: str, migrations: Path) -> int:
    """Run one role of a service (api, worker, all) until it is told to stop. Returns the exit status.

    It opens once its database has every file of `migrations`.
    """
    telemetry.configure(service.name, "INFO")
    try:
        settings = environment.read(service.settings)
        telemetry.configure(service.name, settings.log_level)
        tracing.configure(service.name, settings.traces, settings.traces_share)
        uvloop.run(_serve(service, settings, role, migrations))
    except FaultySettings as error:
        for fault in error.faults:
            log.error("not started", error=fault)
        return 1
    except (OSError, ValueError, agencies.FaultyFiles) as error:
        log.error("not started", error=str(error) or repr(error))
        return 1
    except Exception as error:
        log.error("ended by a fault", exc_info=error)
        return 1
    finally:
        tracing.shut_down()
    return 0


@contextlib.asynccontextmanager
async def platform(
    service: Service[T], settings: Settings, stopping: asyncio.Event | None = None
) -> AsyncIterator[tuple[Platform, Unit[T]]]:
    """The platform and the unit of a service, for one process; closes the pool at the end.

    `stopping` is set once the process is told to stop.
    """
    agency = agencies.load(settings.agency)
    keyring = keys.read(settings.keyring)
    origin = Origin(
        service=service.name,
        source=f"urn:mandat:{agency.profile.code}:{service.name}",
        data_version=agency.version,
        topic_prefix=settings.topic_prefix,
        time_zone=ZoneInfo(agency.profile.time_zone),
        clock=lambda: datetime.now(UTC),
        new_id=uuid7,
    )
    pool = await create_pool(Address.of(settings), settings.database_connections, f"mandat {service.name}")
    try:
        sealer = Sealer(keyring, keys.read_public(settings.sealing_keys))
        built = Platform(settings, agency, pool, keyring, sealer, origin, stopping or asyncio.Event())
        yield built, Unit(pool, await service.tools(built), origin, Bell(pool, "outbox"))
    finally:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(5):
                await pool.close()


def build_gateway(
    service: Service[T], unit: Unit[T], verifier: Verifier, language: Language, texts: Texts = PLATFORM
) -> FastAPI:
    """The service's gateway, ready to serve; `language` and `texts` are the agency's own."""
    reads = {
        (topic.name, s.event.type_name()): flow.consumer_name(service.name, topic)
        for s in service.subscriptions
        for topic in s.event.topics()
    }
    found = Gateway(unit, verifier, reads, language, texts)
    app = gateway.build(f"Mandat {service.name}", service.description, service.routers, language, service.apart(found))
    app.state.gateway = found
    return app


def build_agents_gateway(service: Service[T], unit: Unit[T], verifier: Verifier, language: Language) -> FastAPI:
    """What agents ask on the operations port."""
    redrive = Redrive(unit, service.subscriptions)
    return letters.build(service.name, Gateway(unit, verifier, {}, language), redrive)


async def _serve(service: Service[T], settings: Settings, role: str, migrations: Path) -> None:
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    front = operations.Front()
    watched = Serving(serving(front, settings.operations_host, settings.operations_port, ""), stopping)
    try:
        if await schema.wait_for(Address.of(settings), migrations, stopping):
            await _run(service, settings, role, stopping, front)
    finally:
        await watched.stop()
    log.info("stopped")


async def _run(
    service: Service[T], settings: Settings, role: str, stopping: asyncio.Event, front: operations.Front
) -> None:
    async with platform(service, settings, stopping) as (built, unit):
        issuers = (*built.agency.profile.agent_issuers, *settings.demo_agent_issuers)
        verifier = Verifier(
            settings.issuer_base, issuers, built.pool, keys=settings.issuer_keys or None, service=service.name
        )
        language = built.agency.profile.default_language
        app = build_gateway(service, unit, verifier, language, built.agency.texts)
        gauges.PROCESS.labels(role, settings.version, built.agency.profile.code, built.agency.version).set(1)
        tasks = [asyncio.create_task(gauges.observe(built.pool), name="observe")]
        probes: dict[str, operations.Probe] = {"database": lambda: operations.database_answers(built.pool)}
        public, agents = None, None  # a worker has no gateway, and no keys
        if role in ("api", "all"):
            tasks.append(asyncio.create_task(verifier.keep_keys(), name="keys"))
            public = Serving(
                serving(app, settings.gateway_host, settings.gateway_port, settings.trusted_proxies), stopping
            )
            agents = build_agents_gateway(service, unit, verifier, language)
        relay, doors = None, None
        if role in ("worker", "all"):
            clients = Clients.of(settings)
            publishes = [settings.topic_prefix + topic.name for topic in flow.topics_of(service.name)]
            relay = Relay(Address.direct(settings), clients, unit.outbox, publishes)
            probes["relay"] = relay.ready
            tasks.append(asyncio.create_task(relay.run(), name="relay"))
            doors = Doors(service.name, clients, settings.topic_prefix, unit, service.subscriptions)
            probes["doors"] = doors.ready
            tasks.append(asyncio.create_task(doors.watch(), name="watch"))
            unasked = [*chores.of_every_worker(unit, built.agency.retention), *service.chores(unit)]
            tasks += [asyncio.create_task(_forever(chore), name="chore") for chore in unasked]
        probes["running"] = _is_running(stopping, tasks)
        front.open(operations.build(probes, app, agents))
        try:
            if doors is not None:
                await _start(doors, stopping)
            keep_for_good()
            log.info("started", role=role, gateway=settings.gateway_port, operations=settings.operations_port)
            await asyncio.wait([asyncio.create_task(stopping.wait()), *tasks], return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.set()
            _end_for_certain()
            if public is not None:
                await public.stop()
            if doors is not None:
                await doors.stop()
            faults = await _end(tasks, relay)
        if faults:
            raise RuntimeError("a task of this process ended") from faults[0]


def keep_for_good(young: int = YOUNG_OBJECTS) -> None:
    """What is made by now stays as long as the process: no search for garbage needs to walk through it again.

    Nor is there one because some requests stand side by side, or because bulk work has up to `young` objects in hand:
    what they make is freed by count as they end.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(young)


def _end_for_certain() -> None:
    """Give the stop its time, and no more: a handler that is deaf to being cancelled would hold its partitions for
    ever, and the orchestrator sees a process that lives.
    """
    timer = threading.Timer(LONGEST_STOP, copy_context().run, (_end_by_force,))  # the context names the service
    timer.daemon = True
    timer.start()


def _end_by_force() -> None:
    log.error("ended by force", seconds=LONGEST_STOP)
    sys.stderr.flush()
    os._exit(1)


async def _end(tasks: Sequence["asyncio.Task[None]"], relay: Relay | None) -> list[Exception]:
    """End the tasks, the relay last, so that it sends what the others wrote. Returns what any had ended with before."""
    relaying = [task for task in tasks if task.get_name() == "relay"]
    others = [task for task in tasks if task not in relaying]
    late = set(others)
    while late:  # a cancellation may get lost in a library, where what it interrupts fails at the same moment
        for task in late:
            task.cancel()
        _, late = await asyncio.wait(late, timeout=LAST_BATCH)
    outcomes = await asyncio.gather(*others, return_exceptions=True)
    if relay is not None:
        relay.stop()
        _, late = await asyncio.wait(relaying, timeout=LAST_BATCH)
        for task in late:
            task.cancel()
    outcomes += await asyncio.gather(*relaying, return_exceptions=True)
    return [outcome for outcome in outcomes if isinstance(outcome, Exception)]


async def _start(doors: Doors[T], stopping: asyncio.Event) -> None:
    """Join the consumer groups, for however long the broker takes to come up."""
    while not stopping.is_set():
        try:
            await doors.start()
            return
        except (OSError, ConnectionError, RuntimeError) as error:
            log.warning("doors wait for Kafka", error=repr(error))
            await asyncio.sleep(1)


async def _forever(chore: Chore) -> None:
    await chore()


def _is_running(stopping: asyncio.Event, tasks: Sequence["asyncio.Task[None]"]) -> operations.Probe:
    async def running() -> bool:
        return not stopping.is_set() and not any(task.done() for task in tasks)

    return running


def serving(app: ASGIApp, host: str, port: int, trusted_proxies: str) -> _Server:
    return _Server(
        uvicorn.Config(
            app,
            host=host,
            port=port,
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            proxy_headers=bool(trusted_proxies),
            forwarded_allow_ips=trusted_proxies or None,
            timeout_graceful_shutdown=STOP_SERVING,
        )
    )


def openapi(service: Service[T]) -> str:
    """The gateway's OpenAPI document, as committed in contracts/openapi/."""
    app = gateway.build(f"Mandat {service.name}", service.description, service.routers, "fr")
    return json.dumps(app.openapi(), ensure_ascii=False, indent=2, sort_keys=True) + "\n"
