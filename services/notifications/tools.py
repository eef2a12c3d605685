"""What the handlers and the sender work with."""

import random
from collections.abc import Callable
from dataclasses import dataclass

from chassis.bell import Bell
from chassis.sealing import Sealer
from services.notifications.composition import Composer
from services.notifications.smtp import MailHost
from services.notifications.suppressions.checking import SuppressionList


@dataclass(frozen=True)
class Tools:
    """`support` is the agency's address for questions; `mails` rings when a mail came in; `jitter` draws the variation
    of a pause, between 0 and 1.
    """

    composer: Composer
    support: str
    sealer: Sealer
    mail_host: MailHost
    mails: Bell
    suppressions: SuppressionList
    jitter: Callable[[], float] = random.random
