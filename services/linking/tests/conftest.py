"""A linking service on a real database, behind its real gateway."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import httpx
import pytest
from joserfc.jwk import ECKey, KeySet
from pydantic import SecretStr

from chassis import gateway, keys
from chassis.gateway import Gateway
from chassis.sealing import Sealer
from chassis.service import platform
from chassis.tokens import Verifier
from contracts.flow import consumer_name
from services.linking.app import service
from services.linking.former_credentials.directory import DirectorySettings
from services.linking.settings import LinkingSettings
from services.linking.tests.world import ISSUER_BASE, Clock, Linking
from tests.fixtures.gateway import AGENTS, with_routes_read_once
from tests.fixtures.stack import Database

CCQ = Path(__file__).resolve().parents[3] / "agencies" / "ccq"


@pytest.fixture
def clock() -> Clock:
    return Clock()


class Opening(Protocol):
    """Opens the service on a database of its own, as often as a test wants, and closes it at the end."""

    async def __call__(
        self, agency: Path = CCQ, directories: Mapping[str, DirectorySettings] | None = None
    ) -> Linking: ...


@pytest.fixture
async def linking(opening: Opening) -> Linking:
    """The service on a database of its own, with the agency CCQ."""
    return await opening()


@pytest.fixture
async def opening(database: Database, tmp_path: Path, clock: Clock) -> AsyncIterator[Opening]:
    """Opens services with whatever agency and directories."""
    async with AsyncExitStack() as stack:

        async def opened(agency: Path = CCQ, directories: Mapping[str, DirectorySettings] | None = None) -> Linking:
            return await stack.enter_async_context(
                _linking(await database("linking"), tmp_path, clock, agency, directories)
            )

        yield opened


@asynccontextmanager
async def _linking(
    database_url: str, folder: Path, clock: Clock, agency: Path, directories: Mapping[str, DirectorySettings] | None
) -> AsyncIterator[Linking]:
    rings = {name: keys.generate(name) for name in ("linking", "notifications")}
    rings["linking"].write(folder / "keyring.json")
    keys.write_public(rings.values(), folder / "sealing-keys.json")
    settings = LinkingSettings(
        agency=agency,
        database_url=SecretStr(database_url),
        gateway_port=1,
        operations_port=1,
        keyring=folder / "keyring.json",
        sealing_keys=folder / "sealing-keys.json",
        issuer_base=ISSUER_BASE,
        directories=directories or {},
    )
    async with platform(service, settings) as (built, at_wall_time):
        unit = replace(at_wall_time, origin=replace(at_wall_time.origin, clock=clock))
        signing_key = ECKey.generate_key("P-256", {"kid": "accounts.1", "use": "sig"})
        verifier = Verifier(ISSUER_BASE, (AGENTS,), built.pool)
        for source in (f"{ISSUER_BASE}/.well-known/jwks.json", AGENTS.jwks_uri):
            verifier.learn(source, KeySet([signing_key]))
        reads = {
            (s.event.topic.name, s.event.type_name()): consumer_name("linking", s.event.topic)
            for s in service.subscriptions
        }
        app = with_routes_read_once(gateway.build("linking", "", service.routers, "fr"), service.routers)
        app.state.gateway = Gateway(unit, verifier, reads, "fr", built.agency.texts)
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://linking") as http:
            public = keys.read_public(folder / "sealing-keys.json")
            yield Linking(unit, http, clock, Sealer(rings["notifications"], public), signing_key)
