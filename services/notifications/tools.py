"""What the handlers and the sender work with."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from chassis.bell import Bell
from chassis.sealing import Sealer
from services.notifications.bounces.return_path import ReturnPath
from services.notifications.composing.composition import Composer
from services.notifications.mails.handover import Handover
from services.notifications.mails.leases import Grace
from services.notifications.sending.hosts import MailHosts
from services.notifications.sending.throttle import Throttle
from services.notifications.suppressions.checking import SuppressionList


@dataclass(frozen=True)
class Bounces:
    """How reports come back: the envelope senders they are sent to, and where the server listens; port 0: nowhere.

    `feedback_loops`: whether complaints come to the address without a token.
    """

    return_path: ReturnPath
    host: str
    port: int
    feedback_loops: bool = False


@dataclass(frozen=True)
class Tools:
    """`support` is the agency's address for questions; `mails` rings when a mail came in; `jitter` draws the variation
    of a pause, between 0 and 1.
    """

    composer: Composer
    support: str
    sealer: Sealer
    mail_hosts: MailHosts
    mails: Bell
    suppressions: SuppressionList
    throttle: Throttle = field(default_factory=lambda: Throttle(None, None))
    grace: Grace = field(default_factory=Grace)
    handover: Handover = field(default_factory=Handover)
    bounces: Bounces | None = None
    jitter: Callable[[], float] = random.random
