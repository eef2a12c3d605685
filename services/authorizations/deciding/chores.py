"""What a worker does about requests without being asked: it tells. What is true needs none of it."""

from datetime import timedelta
from functools import partial
from uuid import UUID

from chassis.chores import Chore, one_by_one, repeatedly
from chassis.work import Unit
from services.authorizations.deciding.by_machine import approve_by_rule, to_look_at
from services.authorizations.deciding.ending import end_needless, erase_person, lapse
from services.authorizations.deciding.handing_over import DECIDED, follow_change
from services.authorizations.deciding.handlers import remind, tell
from services.authorizations.deciding.kinds import KINDS
from services.authorizations.managing import storage as managing
from services.authorizations.requests import domain, storage
from services.authorizations.tools import Tools

PORTION = 50  # requests of one look
LOOK_EVERY = 1.0  # seconds: those who decide are told of a proposal as soon as that; a look at an empty index
LAPSE_EVERY = 300.0  # seconds: a last day ends at midnight, and nobody waits for the mail that says so
FORGET_EVERY = 3600.0  # seconds: what is forgotten after years waits an hour


def telling(unit: Unit[Tools]) -> list[Chore]:
    """Tell of what was asked by a number, of what will lapse and what has; hand over; forget; each until cancelled."""
    return [
        partial(repeatedly, "requests to tell of", partial(tell_waiting, unit), LOOK_EVERY),
        partial(repeatedly, "changes of who can act", partial(follow_changes, unit), LOOK_EVERY),
        partial(repeatedly, "requests left waiting", partial(hand_over, unit), LAPSE_EVERY),
        partial(repeatedly, "requests to remind of", partial(remind_deciders, unit), LAPSE_EVERY),
        partial(repeatedly, "mandates for the machine", partial(approve_mandates, unit), LOOK_EVERY),
        partial(repeatedly, "requests that lapsed", partial(lapse_overdue, unit), LAPSE_EVERY),
        partial(repeatedly, "reviews that nobody needs", partial(close_needless, unit), LAPSE_EVERY),
        partial(repeatedly, "persons of old requests", partial(erase_persons, unit), FORGET_EVERY),
    ]


async def tell_waiting(unit: Unit[Tools]) -> float | None:
    """Tell of some that wait, each in a transaction of its own. Returns 0 when there may be more."""
    waiting = await storage.to_tell(unit.pool, PORTION)
    return await one_by_one(unit, tell, waiting, PORTION)


async def follow_changes(unit: Unit[Tools]) -> float | None:
    """Look at some organizations for which somebody may be able to act no more. Returns 0 when there may be more."""
    return await one_by_one(unit, follow_change, await managing.changed(unit.pool, PORTION), PORTION)


async def hand_over(unit: Unit[Tools]) -> float | None:
    """Let agents decide what waits where a day left nobody who can act. Returns 0 when there may be more."""
    moment = unit.tools.moment(unit.origin.clock())
    left = await storage.left_waiting(unit.pool, moment, unit.tools.managing_types, DECIDED, PORTION)
    return await one_by_one(unit, follow_change, left, PORTION)


async def lapse_overdue(unit: Unit[Tools]) -> float | None:
    """End some that nobody decided in time. Returns 0 when there may be more."""
    today = unit.tools.moment(unit.origin.clock()).day
    overdue = await storage.to_lapse(unit.pool, today, PORTION)
    return await one_by_one(unit, lapse, overdue, PORTION)


async def remind_deciders(unit: Unit[Tools]) -> float | None:
    """Remind of some whose last day comes near, as the data say. Returns 0 when there may be more."""
    reminders = domain.reminders(unit.tools.agency)
    today = unit.tools.moment(unit.origin.clock()).day
    return await one_by_one(unit, remind, await storage.to_remind(unit.pool, today, reminders, PORTION), PORTION)


async def approve_mandates(unit: Unit[Tools]) -> float | None:
    """Look at some mandates that a machine may approve, where the data let it. Returns 0 when there may be more."""
    return await one_by_one(unit, approve_by_rule, await to_look_at(unit, PORTION), PORTION)


async def close_needless(unit: Unit[Tools]) -> float | None:
    """End some requests that nobody need decide any more. Returns 0 when there may be more."""
    today, found = unit.tools.moment(unit.origin.clock()).day, list[UUID]()
    for needless in (kind.needless for kind in KINDS.values() if kind.needless):
        found += await needless.some(unit.pool, today, PORTION - len(found))
    return await one_by_one(unit, end_needless, found, PORTION)


async def erase_persons(unit: Unit[Tools]) -> float | None:
    """Forget what some old requests said of persons. Returns 0 when there may be more."""
    kept = timedelta(days=unit.tools.agency.requests.personal_days)
    now = unit.origin.clock()
    past = await storage.past_keeping(unit.pool, now - kept, unit.tools.moment(now).day, PORTION)
    return await one_by_one(unit, erase_person, past, PORTION)
