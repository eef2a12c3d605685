"""From a sealed row to a mail that may go: opened, composed, and its address on no list; a handful at once."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from chassis.database import neighbour_failed
from chassis.outcomes import Poison
from chassis.work import Clock
from services.notifications.composing.composition import CANNOT_DECRYPT, Message, Unsendable
from services.notifications.mails.domain import Attempt, HandedBack, Mail, Refused, Suppressed, TryLater
from services.notifications.suppressions.checking import Question
from services.notifications.tools import Tools

log = structlog.get_logger()

OUR_OWN_FAULT = "4.3.0"  # RFC 3463: other or undefined mail system status
ANSWER_HOLDS = timedelta(seconds=2)  # of the suppression list: no longer than a mail that is just being sent may take
IN_A_ROW = 8  # mails, a millisecond: then the connections have their turn
PORTION = 64  # mails of one handful, which go together: none waits for more than so many to be made ready


@dataclass(frozen=True)
class Ready:
    """A mail that may go, until the suppression list must be asked again."""

    mail: Mail
    message: Message
    digests: tuple[bytes, ...]
    until: datetime


Prepared = Ready | Attempt
"""Ready, or at the end of this attempt already."""


def in_portions(mails: Sequence[Mail]) -> Iterator[Sequence[Mail]]:
    """Handfuls, the most urgent first, and among equals the one due longest."""
    ordered = sorted(mails, key=lambda mail: (mail.priority, mail.due_at, mail.delivery_id))
    return (ordered[start : start + PORTION] for start in range(0, len(ordered), PORTION))


class Preparation:
    """Makes mails ready. One query asks about all addresses of a handful."""

    def __init__(self, tools: Tools, clock: Clock) -> None:
        """Of the tools it needs sealer, composer and suppression list."""
        self._tools = tools
        self._clock = clock

    async def handful(self, mails: Sequence[Mail]) -> list[Prepared]:
        """What became of each."""
        composed = []
        for mail in mails:
            composed.append(self._composed(mail))
            if len(composed) % IN_A_ROW == 0:
                await asyncio.sleep(0)
        return await self._asked(composed)

    async def still(self, prepared: Prepared) -> Prepared:
        """The same now; the list is asked again about what waited in hand."""
        if isinstance(prepared, Attempt) or self._clock() < prepared.until:
            return prepared
        [found] = await self._asked([prepared])
        return found

    async def _asked(self, found: Sequence[Prepared]) -> list[Prepared]:
        questions = {
            one.mail.delivery_id: Question(one.digests, one.mail.kind) for one in found if isinstance(one, Ready)
        }
        now = self._clock()
        try:
            reasons = await self._tools.suppressions.reasons(questions, now)
        except Exception as error:
            if not neighbour_failed(error):
                raise
            return [Attempt(one.mail, HandedBack()) if isinstance(one, Ready) else one for one in found]
        answered: list[Prepared] = []
        for one in found:
            if not isinstance(one, Ready):
                answered.append(one)
            elif (reason := reasons.get(one.mail.delivery_id)) is not None:
                answered.append(Attempt(one.mail, Suppressed(reason), one.digests[0]))
            else:
                answered.append(replace(one, until=now + ANSWER_HOLDS))
        return answered

    def _composed(self, mail: Mail) -> Prepared:
        composer, now = self._tools.composer, self._clock()
        try:
            contents = self._tools.sealer.open(mail.sealed, composer.contents(mail.kind))
            message = composer.compose(mail, contents, now)
        except Poison:
            log.error("mail cannot be opened", delivery_id=str(mail.delivery_id), kind=mail.kind)
            return Attempt(mail, Refused(CANNOT_DECRYPT))
        except Unsendable as error:
            log.error("mail cannot be composed", delivery_id=str(mail.delivery_id), kind=mail.kind, status=error.status)
            return Attempt(mail, Refused(error.status))
        except Exception as error:  # a fault of ours or of the agency's data: a deployment mends it, the mail waits
            log.error("composing failed", delivery_id=str(mail.delivery_id), kind=mail.kind, error=type(error).__name__)
            return Attempt(mail, TryLater(OUR_OWN_FAULT))
        return Ready(mail, message, self._tools.suppressions.digests(message.recipient), now)
