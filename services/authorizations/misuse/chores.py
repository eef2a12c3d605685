"""What a worker forgets of misuse without being asked."""

from datetime import timedelta
from functools import partial

from chassis.chores import Chore, one_by_one, repeatedly
from chassis.work import Unit
from services.authorizations.misuse import storage
from services.authorizations.misuse.handlers import forget_words
from services.authorizations.tools import Tools

PORTION = 50  # pieces of evidence of one look
LOOK_EVERY = 3600.0  # seconds: words are kept for months


def forgetting(unit: Unit[Tools]) -> Chore:
    """Forget what people said in reports, some time after the review has ended."""
    return partial(repeatedly, "words of reports of misuse", partial(forget, unit), LOOK_EVERY)


async def forget(unit: Unit[Tools]) -> float | None:
    """Forget the words of some reports. Returns 0 when there may be more."""
    kept = timedelta(days=unit.tools.agency.requests.personal_days)
    found = await storage.past_keeping(unit.pool, unit.origin.clock() - kept, PORTION)
    return await one_by_one(unit, forget_words, found, PORTION)
