"""What a process of notifications is made of."""

from collections.abc import Awaitable, Callable, Sequence

from chassis.bell import Bell
from chassis.service import Platform, Service
from chassis.work import Unit
from services.notifications import api
from services.notifications.composition import Composer
from services.notifications.consumers import SUBSCRIPTIONS
from services.notifications.domains import Domains
from services.notifications.hosts import MailHosts
from services.notifications.sender import Sender
from services.notifications.settings import NotificationsSettings
from services.notifications.suppressions.checking import SuppressionList
from services.notifications.tools import Tools
from services.notifications.upkeep import keep


async def build(platform: Platform) -> Tools:
    """The tools, from what every service has and the mail host of our settings."""
    settings = platform.settings
    assert isinstance(settings, NotificationsSettings)
    mails = Bell(platform.pool, "mails")
    mails.answered_here = True  # whoever takes requests in also sends: NOTIFY would only wake the others for nothing
    suppressions = SuppressionList(platform.pool, platform.keyring)
    domains = Domains(settings.smtp_domain_connections, settings.smtp_domain_rate)
    agency, hosts = platform.agency, MailHosts.of(settings)
    composer, support = Composer(agency), agency.profile.support_email
    return Tools(composer, support, platform.sealer, hosts, mails, suppressions, domains)


def chores(unit: Unit[Tools]) -> Sequence[Callable[[], Awaitable[None]]]:
    """What a worker does besides its doors: send, and end what must not be sent."""

    async def upkeep() -> None:
        await keep(unit)

    return (Sender(unit).run, upkeep)


service = Service(
    name="notifications",
    description="Sends the platform's mails, each once and in time, and tells the addressee where one is.",
    settings=NotificationsSettings,
    tools=build,
    routers=[api.router],
    subscriptions=SUBSCRIPTIONS,
    chores=chores,
)
