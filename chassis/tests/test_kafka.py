"""Brokers of others: what is written reaches them, and what they hold reaches us, however they want us to sign in.

One real broker has a door for each way: SCRAM or PLAIN over TLS, certificates of both sides, tokens by client
credentials.
"""

import asyncio
import json
import time
from base64 import b64decode
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs
from uuid import UUID, uuid4

import pytest
import uvicorn
from aiokafka.errors import KafkaError
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from chassis.doors import Doors
from chassis.kafka import Clients
from chassis.relay import Relay
from chassis.settings import KafkaSettings
from chassis.subscriptions import Order, Subscription
from chassis.tests.authority import Authority
from chassis.tests.conftest import Bench, eventually
from chassis.tests.library import count, opened
from chassis.topics import Wanted, make
from contracts.accounts import AccountOpened
from contracts.topics import ACCOUNTS_EVENTS
from local.kafka import Kafka
from local.ports import free_ports
from local.processes import Processes
from tests.fixtures.patience import PATIENCE

SECURITY = "org.apache.kafka.common.security"
PASSWORD, SECRET = "hunter2-of-the-broker", "hunter2 & of the client"
SESSION_MS = 3000
"""After so long the broker drops whoever came by SCRAM, as one does that wants clients to sign in anew."""

SETTINGS = {
    "listener.security.protocol.map": (
        "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SCRAM:SASL_SSL,PLAIN:SASL_SSL,CERTIFICATES:SSL,TOKENS:SASL_SSL"
    ),
    "ssl.keystore.type": "PEM",
    "ssl.truststore.type": "PEM",
    "listener.name.certificates.ssl.client.auth": "required",
    "listener.name.scram.sasl.enabled.mechanisms": "SCRAM-SHA-512",
    "listener.name.scram.scram-sha-512.sasl.jaas.config": f"{SECURITY}.scram.ScramLoginModule required;",
    "listener.name.scram.scram-sha-512.connections.max.reauth.ms": str(SESSION_MS),
    "listener.name.plain.sasl.enabled.mechanisms": "PLAIN",
    "listener.name.plain.plain.sasl.jaas.config": (
        f'{SECURITY}.plain.PlainLoginModule required user_mandat="{PASSWORD}";'
    ),
    "listener.name.tokens.sasl.enabled.mechanisms": "OAUTHBEARER",
    "listener.name.tokens.oauthbearer.sasl.jaas.config": f"{SECURITY}.oauthbearer.OAuthBearerLoginModule required;",
    "listener.name.tokens.oauthbearer.sasl.server.callback.handler.class": (
        f"{SECURITY}.oauthbearer.OAuthBearerValidatorCallbackHandler"
    ),
    "listener.name.tokens.oauthbearer.sasl.oauthbearer.expected.audience": "kafka.example",
}


@dataclass
class Issuer:
    """Gives tokens to who knows the secret, as an identity provider does."""

    key: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256", {"kid": "1", "alg": "ES256", "use": "sig"}))
    asked: list[dict[str, list[str]]] = field(default_factory=list)

    async def token(self, request: Request) -> JSONResponse:
        """RFC 6749, 4.4."""
        self.asked.append(parse_qs((await request.body()).decode()))
        signed = b64decode(request.headers["Authorization"].removeprefix("Basic ")).decode()
        if signed != "mandat:hunter2+%26+of+the+client":
            return JSONResponse({"error": "invalid_client"}, 401)
        now = int(time.time())
        claims = {"sub": "mandat", "aud": "kafka.example", "scope": "kafka", "iat": now - 1, "exp": now + 300}
        token = jwt.encode({"alg": "ES256", "kid": "1"}, claims, self.key)
        return JSONResponse({"access_token": token, "expires_in": 300, "token_type": "Bearer"})

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        """The address of the token endpoint."""
        [port] = free_ports(1)
        app = Starlette(routes=[Route("/token", self.token, methods=["POST"])])
        server = uvicorn.Server(uvicorn.Config(app, port=port, log_config=None, lifespan="off"))
        serving = asyncio.create_task(server._serve())
        await eventually(lambda: server.started)
        yield f"http://127.0.0.1:{port}/token"
        server.should_exit = True
        await serving


@dataclass
class GuardedDoors(Kafka):
    """A broker with a door for each way to sign in."""

    guarded: Mapping[str, int] = field(
        default_factory=lambda: dict(zip(("scram", "plain", "certificates", "tokens"), free_ports(4), strict=True))
    )
    issuer: Issuer = field(default_factory=Issuer)

    def start(self) -> None:
        """As Kafka's; it gets its certificate first."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.authority = Authority(self.folder)
        shown, secret = self.authority.issue("broker", "127.0.0.1")
        (self.folder / "broker.pem").write_text(secret.read_text() + shown.read_text())
        keys = KeySet([self.issuer.key]).as_dict(private=False)
        (self.folder / "keys.json").write_text(json.dumps(keys))
        super().start()

    def _settings(self, data: Path) -> dict[str, str]:
        found = super()._settings(data)
        doors = "".join(f",{way.upper()}://127.0.0.1:{port}" for way, port in self.guarded.items())
        return {
            **found,
            **SETTINGS,
            "listeners": found["listeners"] + doors,
            "advertised.listeners": found["advertised.listeners"] + doors,
            "ssl.keystore.location": str(self.folder / "broker.pem"),
            "ssl.truststore.location": str(self.authority.file),
            "listener.name.tokens.oauthbearer.sasl.oauthbearer.jwks.endpoint.url": self._keys,
        }

    def _made_with(self) -> list[str]:
        return ["--add-scram", f"SCRAM-SHA-512=[name=mandat,password={PASSWORD}]"]

    def _java(self) -> list[str | Path]:
        java, *options = super()._java()
        return [java, f"-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls={self._keys}", *options]

    @property
    def _keys(self) -> str:
        return (self.folder / "keys.json").as_uri()


@pytest.fixture(scope="session")
def broker(run_folder: Path, processes: Processes) -> Iterator[GuardedDoors]:
    """Started once."""
    port, controller = free_ports(2)
    folder = run_folder / "kafka-of-others"
    broker = GuardedDoors(folder, port, controller, folder.with_suffix(".log"), processes)
    broker.start()
    yield broker
    broker.stop()


@dataclass
class Told:
    """What settings say of each way, and the files that they name."""

    broker: GuardedDoors
    folder: Path
    token_url: str

    def settings(self, way: str, **changes: object) -> KafkaSettings:
        """Of one way to sign in."""
        shown, secret = self.broker.authority.issue("mandat")
        for name, content in (("password", PASSWORD), ("secret", SECRET)):
            (self.folder / name).write_text(f"{content}\n")
        password = {"kafka_username": "mandat", "kafka_password_file": self.folder / "password"}
        ways: dict[str, dict[str, object]] = {
            "scram": {"kafka_sasl": "scram-sha-512", **password},
            "plain": {"kafka_sasl": "plain", **password},
            "certificates": {"kafka_certificate_file": shown, "kafka_key_file": secret},
            "tokens": {
                "kafka_sasl": "oauthbearer", "kafka_token_url": self.token_url, "kafka_client_id": "mandat",
                "kafka_client_secret_file": self.folder / "secret", "kafka_token_scope": "kafka",
            },
        }  # fmt: skip
        servers = f"127.0.0.1:{self.broker.guarded[way]}"
        trusted = {"kafka_servers": servers, "kafka_tls": "tls", "kafka_ca_file": self.broker.authority.file}
        return KafkaSettings.model_validate({**trusted, **ways[way], **changes})


@pytest.fixture
async def told(broker: GuardedDoors, tmp_path: Path) -> AsyncIterator[Told]:
    """Settings, with an issuer at work."""
    async with broker.issuer.serving() as url:
        yield Told(broker, tmp_path, url)


@asynccontextmanager
async def at_work(bench: Bench, clients: Clients, prefix: str) -> AsyncIterator[tuple[Relay, Doors[None]]]:
    """A relay, and doors that join as soon as the broker lets them."""
    relay = Relay(bench.dsn, clients, bench.unit.outbox, [prefix + ACCOUNTS_EVENTS.name])
    doors = Doors("test", clients, prefix, bench.unit, [Subscription(AccountOpened, count, Order.KEPT)])

    async def join() -> None:
        while True:
            try:
                return await doors.start()
            except KafkaError:
                await asyncio.sleep(0.1)

    tasks = [asyncio.create_task(relay.run()), asyncio.create_task(join())]
    try:
        yield relay, doors
    finally:
        tasks[1].cancel()
        relay.stop()
        await asyncio.wait(tasks)
        await doors.stop()


async def never_arrives(bench: Bench) -> UUID:
    """Publish until an event has not come back for as long as a session lasts; that one."""
    while True:
        await bench.publish(opened(identity := uuid4(), 1))
        await asyncio.sleep(SESSION_MS / 1000)
        if await bench.counted(identity) is None:
            return identity


async def reaches(bench: Bench) -> None:
    """An event is published, comes back, and takes effect once."""
    await bench.publish(opened(identity := uuid4(), 1))

    async def counted() -> bool:
        return await bench.counted(identity) == "1"

    await eventually(counted)


@pytest.mark.parametrize("way", ["scram", "plain", "certificates", "tokens"])
async def test_what_is_written_comes_back_by_each_way_to_sign_in(
    bench: Bench, told: Told, topic_prefix: str, way: str
) -> None:
    clients = Clients.of(told.settings(way))
    asked = len(told.broker.issuer.asked)
    await make(clients, Wanted(topic_prefix, [ACCOUNTS_EVENTS], 2))
    async with at_work(bench, clients, topic_prefix) as (relay, doors):
        await reaches(bench)
        await eventually(relay.ready)
        await eventually(doors.ready)
    wanted = [{"grant_type": ["client_credentials"], "scope": ["kafka"]}] if way == "tokens" else []
    assert told.broker.issuer.asked[asked:] == wanted  # one token for all connections


async def test_with_a_wrong_password_all_waits_and_goes_on_once_it_is_mended_also_under_a_running_process(
    bench: Bench, told: Told, topic_prefix: str
) -> None:
    clients = Clients.of(told.settings("scram"))
    await make(clients, Wanted(topic_prefix, [ACCOUNTS_EVENTS], 2))
    password = told.folder / "password"
    password.write_text("not that")
    async with at_work(bench, clients, topic_prefix) as (relay, doors):
        await bench.publish(opened(first := uuid4(), 1))
        await asyncio.sleep(1)
        assert not await relay.ready() and not await doors.ready()
        password.write_text(PASSWORD)
        await eventually(lambda: bench.counted(first))

        password.write_text("not that")  # what they have open ends with its session
        async with asyncio.timeout(PATIENCE):
            second = await never_arrives(bench)
        password.write_text(PASSWORD)
        await eventually(lambda: bench.counted(second))
        assert await bench.counted(first) == await bench.counted(second) == "1"

        async def is_empty() -> bool:
            return await bench.size("outbox") == 0

        await eventually(is_empty)
        assert await bench.size("dead_letters") == 0


async def refusal(clients: Clients) -> str:
    """What a client says that does not get in."""
    admin = clients.admin()
    try:
        with pytest.raises(KafkaError) as caught:
            await admin.start()
    finally:
        await admin.close()
    return str(caught.value)


async def test_a_plain_password_is_read_when_a_connection_is_made(told: Told) -> None:
    clients = Clients.of(told.settings("plain"))
    (told.folder / "password").write_text("not that")
    await refusal(clients)
    (told.folder / "password").write_text(PASSWORD)
    admin = clients.admin()
    await admin.start()
    await admin.close()


async def test_without_a_token_there_is_no_connection_and_its_secret_is_read_when_one_is_asked_for(told: Told) -> None:
    clients = Clients.of(told.settings("tokens"))
    (told.folder / "secret").write_text("not that")
    assert clients.token is not None
    with pytest.raises(KafkaError, match=r"/token: 401, invalid_client$"):
        await clients.token.token()
    await refusal(clients)
    (told.folder / "secret").write_text(SECRET)
    admin = clients.admin()
    await admin.start()
    await admin.close()


async def test_a_broker_that_nobody_vouches_for_or_of_another_name_is_shown_no_password(
    told: Told, tmp_path: Path
) -> None:
    strangers = tmp_path / "strangers"
    strangers.mkdir()
    port = told.broker.guarded["scram"]
    for faulty in ({"kafka_ca_file": Authority(strangers).file}, {"kafka_servers": f"localhost:{port}"}):
        await refusal(Clients.of(told.settings("scram", **faulty)))


async def test_a_certificate_is_renewed_under_a_running_process(told: Told, tmp_path: Path) -> None:
    strangers = tmp_path / "strangers"
    strangers.mkdir()
    settings = told.settings("certificates")
    clients = Clients.of(settings)
    for file, other in zip(told.broker.authority.issue("mandat"), Authority(strangers).issue("mandat"), strict=True):
        kept = file.read_bytes()
        file.write_bytes(other.read_bytes())
        other.write_bytes(kept)
    await refusal(clients)
    told.broker.authority.issue("mandat")
    admin = clients.admin()
    await admin.start()
    await admin.close()
