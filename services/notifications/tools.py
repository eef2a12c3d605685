"""What the handlers and the sender work with."""

import random
from collections.abc import Callable
from dataclasses import dataclass

from chassis.bell import Bell
from chassis.sealing import Sealer
from services.notifications.composition import Composer
from services.notifications.smtp import MailHost


@dataclass(frozen=True)
class Tools:
    """`mails` rings when a mail came in; `jitter` draws the variation of a pause, between 0 and 1."""

    composer: Composer
    sealer: Sealer
    mail_host: MailHost
    mails: Bell
    jitter: Callable[[], float] = random.random
