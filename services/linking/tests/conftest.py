"""A linking service on a real database, behind its real gateway."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from joserfc.jwk import ECKey, KeySet
from pydantic import SecretStr

from chassis import gateway, keys
from chassis.gateway import Gateway
from chassis.sealing import Sealer
from chassis.service import platform
from chassis.settings import Settings
from chassis.subscriptions import consumer_name
from chassis.tokens import Verifier
from services.linking.app import service
from services.linking.tests.world import ISSUER_BASE, Clock, Linking
from tests.fixtures.stack import Database

CCQ = Path(__file__).resolve().parents[3] / "agencies" / "ccq"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def linking(database: Database, tmp_path: Path, clock: Clock) -> AsyncIterator[Linking]:
    """The service on a database of its own, with the agency CCQ."""
    rings = {name: keys.generate(name) for name in ("linking", "notifications")}
    rings["linking"].write(tmp_path / "keyring.json")
    keys.write_public(rings.values(), tmp_path / "sealing-keys.json")
    settings = Settings(
        agency=CCQ,
        database_url=SecretStr(await database("linking")),
        gateway_port=1,
        operations_port=1,
        keyring=tmp_path / "keyring.json",
        sealing_keys=tmp_path / "sealing-keys.json",
        issuer_base=ISSUER_BASE,
    )
    async with platform(service, settings) as (built, at_wall_time):
        unit = replace(at_wall_time, origin=replace(at_wall_time.origin, clock=clock))
        signing_key = ECKey.generate_key("P-256", {"kid": "accounts.1", "use": "sig"})
        verifier = Verifier(ISSUER_BASE, (), built.pool)
        verifier._keys[f"{ISSUER_BASE}/.well-known/jwks.json"] = KeySet([signing_key])
        reads = {
            (s.event.topic.name, s.event.type_name()): consumer_name("linking", s.event.topic)
            for s in service.subscriptions
        }
        app = gateway.build("linking", "", service.routers, "fr")
        app.state.gateway = Gateway(unit, verifier, reads, "fr")
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://linking") as http:
            public = keys.read_public(tmp_path / "sealing-keys.json")
            yield Linking(unit, http, clock, Sealer(rings["notifications"], public), signing_key)
