"""Following what notifications tells of mails, whether or not it is known yet whose they are."""

from collections.abc import Sequence
from datetime import timedelta
from typing import get_args
from uuid import UUID

from chassis.database import Pool
from chassis.work import Work
from contracts.notifications import MailBounced, MailDeferred, MailExpired, MailFact, MailSent, MailSuppressed
from services.authorizations.credentials import handlers as credentials
from services.authorizations.linking_codes import storage
from services.authorizations.linking_codes.domain import DeliveryState
from services.authorizations.tools import Tools

STATES: dict[type[MailFact], DeliveryState] = {
    MailDeferred: "deferred",
    MailSent: "sent",
    MailExpired: "expired",
    MailBounced: "undelivered",
    MailSuppressed: "undelivered",
}

STAGES: tuple[DeliveryState, ...] = get_args(DeliveryState)
"""In the order of a mail's life, as the database orders them."""

NOT_ARRIVED: frozenset[DeliveryState] = frozenset({"expired", "undelivered"})

UNCLAIMED = timedelta(days=3)  # longer than a code of ours is ever told of after its mail, but for a dead letter
PORTION = 1000  # rows that one statement deletes


async def follow_deliveries(work: Work[Tools], facts: Sequence[MailFact]) -> None:
    """What became of mails. A later stage of a mail's life is never undone by an earlier one that comes late."""
    told: dict[UUID, DeliveryState] = {}
    for fact in facts:
        state = STATES[type(fact)]
        told[fact.delivery_id] = max(told.get(fact.delivery_id, state), state, key=STAGES.index)
    await storage.tell_deliveries(work.connection, told, work.now)
    if ends := [delivery_id for delivery_id, state in told.items() if state in NOT_ARRIVED]:
        await credentials.follow_ends(work, ends)


async def forget_strangers(pool: Pool) -> None:
    """Forget the mails that were none of a batch."""
    while await storage.forget_deliveries(pool, UNCLAIMED, PORTION) == PORTION:
        pass
