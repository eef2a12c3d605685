"""What a process of notifications is made of."""

from collections.abc import Sequence

from chassis.bell import Bell
from chassis.chores import Chore
from chassis.keys import Keyring
from chassis.made import Digested, Made, Sealed
from chassis.service import Platform, Service
from chassis.work import Unit
from services.notifications.bounces.return_path import ReturnPath
from services.notifications.bounces.server import BounceServer
from services.notifications.composing.composition import Composer
from services.notifications.consumers import SUBSCRIPTIONS
from services.notifications.mails import api as deliveries
from services.notifications.mails.chores import keeping_order
from services.notifications.sending.hosts import MailHosts
from services.notifications.sending.sender import Sender
from services.notifications.sending.throttle import Throttle
from services.notifications.settings import NotificationsSettings
from services.notifications.suppressions import api as suppressions
from services.notifications.suppressions.checking import SuppressionList
from services.notifications.tools import Bounces, Tools


async def build(platform: Platform) -> Tools:
    """The tools, from what every service has and the mail host of our settings."""
    settings = platform.settings
    assert isinstance(settings, NotificationsSettings)
    mails = Bell(platform.pool, "mails")
    mails.answered_here = True  # whoever takes requests in also sends: NOTIFY would only wake the others for nothing
    agency, bounces = platform.agency, _bounces(settings, platform.keyring)
    return Tools(
        composer=Composer(agency, bounces.return_path.of if bounces else None),
        support=agency.profile.support_email,
        sealer=platform.sealer,
        mail_hosts=MailHosts.of(settings),
        mails=mails,
        suppressions=SuppressionList(platform.pool, platform.keyring),
        throttle=Throttle(settings.smtp_domain_connections, settings.smtp_domain_rate),
        bounces=bounces,
    )


def _bounces(settings: NotificationsSettings, keyring: Keyring) -> Bounces | None:
    if settings.bounce_address is None:
        return None
    return Bounces(
        ReturnPath(settings.bounce_address, keyring),
        settings.bounce_host,
        settings.bounce_port,
        settings.bounce_feedback_loops,
    )


def chores(unit: Unit[Tools]) -> Sequence[Chore]:
    """What a worker does besides its doors: send, end what must not be sent, and take in what comes back."""
    found = [Sender(unit).run, keeping_order(unit)]
    if (bounces := unit.tools.bounces) is not None and bounces.port:
        server = BounceServer(
            unit, bounces.return_path, bounces.host, bounces.port, feedback_loops=bounces.feedback_loops
        )
        found.append(server.run)
    return found


service = Service(
    name="notifications",
    description="Sends the platform's mails, each once and in time, and tells the addressee where one is.",
    settings=NotificationsSettings,
    tools=build,
    routers=[deliveries.router, suppressions.router],
    subscriptions=SUBSCRIPTIONS,
    chores=chores,
    made=Made(
        digested=[
            Digested("suppressions", "address_digest", made_at="since"),
            Digested("mails", "address_digest", made_at="accepted_at"),  # a report may still name its return path
        ],
        sealed=[Sealed("mails", "sealed")],
    ),
)
