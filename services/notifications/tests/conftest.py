"""A notifications service for each test: a database, a clock and a mail host of its own."""

from collections.abc import AsyncIterator

import pytest
from uuid_utils.compat import uuid7

from chassis.bell import Bell
from chassis.database import create_pool
from chassis.work import Origin, Unit
from contracts.agency import Agency, load
from local import ROOT
from local.ports import free_ports
from services.notifications.composing.composition import Composer
from services.notifications.sending.hosts import Access, MailHosts, Patience
from services.notifications.settings import HostAddress
from services.notifications.suppressions.checking import SuppressionList
from services.notifications.tests.host import Host
from services.notifications.tests.rig import KEYRING, RETURN_PATH, SEALER, Clock, Rig
from services.notifications.tools import Bounces, Tools
from tests.fixtures.patience import PATIENCE
from tests.fixtures.stack import Database


@pytest.fixture(scope="session")
def agency() -> Agency:
    return load(ROOT / "agencies" / "ccq")


@pytest.fixture(scope="session")
def composer(agency: Agency) -> Composer:
    """Laid out once, as in a process: it keeps nothing of the mails that it composes."""
    return Composer(agency, RETURN_PATH.of)


@pytest.fixture(scope="session")
def mail_ports() -> tuple[int, ...]:
    """Where hosts listen: on ports that no outgoing connection is given while one of them is away."""
    return tuple(free_ports(2))


@pytest.fixture
async def host(mail_ports: tuple[int, ...]) -> AsyncIterator[Host]:
    server = Host(port=mail_ports[0])
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def rig(database: Database, agency: Agency, composer: Composer, host: Host) -> AsyncIterator[Rig]:
    pool = await create_pool(await database("notifications"), 10, "test")
    mails = Bell(pool, "mails")
    mails.answered_here = True
    hosts = MailHosts([HostAddress("127.0.0.1", host.port)], Access(), 4, Patience(PATIENCE, PATIENCE))
    tools = Tools(
        composer,
        agency.profile.support_email,
        SEALER,
        hosts,
        mails,
        SuppressionList(pool, KEYRING),
        bounces=Bounces(RETURN_PATH, "127.0.0.1", 0),
        jitter=lambda: 0.5,
    )
    clock = Clock()
    origin = Origin("notifications", "urn:mandat:test", agency.version, "", agency.profile.zone, clock, uuid7)
    outbox = Bell(pool, "outbox")
    outbox.answered_here = True
    rig = Rig(Unit(pool, tools, origin, outbox), clock, host)
    yield rig
    await rig.stop_sending()
    await pool.close()
