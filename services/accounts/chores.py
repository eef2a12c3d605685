"""What a worker forgets without being asked, because it can be of no more use; several may do so at once."""

from collections.abc import Sequence
from functools import partial

from chassis.chores import Chore, repeatedly
from chassis.work import Handler, Unit
from services.accounts.address_proofs import handlers as address_proofs
from services.accounts.doors import handlers as doors
from services.accounts.email_changes import handlers as email_changes
from services.accounts.networks import handlers as networks
from services.accounts.password_resets import handlers as password_resets
from services.accounts.registrations import handlers as registrations
from services.accounts.signals import handlers as signals
from services.accounts.tools import Tools

FORGET_EVERY = 3600.0  # seconds; what is forgotten is a day old


def forgetting(unit: Unit[Tools]) -> Sequence[Chore]:
    """Forget what is of no more use: unverified registrations, dead resets, what was seen long ago."""
    return (
        _repeatedly(unit, "forget unverified registrations", registrations.forget_unverified),
        _repeatedly(unit, "forget password resets", password_resets.forget),
        _repeatedly(unit, "forget changes of address", email_changes.forget),
        _repeatedly(unit, "forget proofs of addresses", address_proofs.forget),
        _repeatedly(unit, "forget spent ID tokens", doors.forget),
        _repeatedly(unit, "forget networks", networks.forget),
        _repeatedly(unit, "forget sightings", signals.forget),
    )


def _repeatedly(unit: Unit[Tools], name: str, handler: Handler[Tools, None, None]) -> Chore:
    async def step() -> None:
        await unit.run(handler, None, unit.origin.itself)

    return partial(repeatedly, name, step, FORGET_EVERY)
