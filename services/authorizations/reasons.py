"""Why those who manage an organization, or an agent, did something to somebody: a code of the agency's data."""

from chassis.outcomes import Refusal
from chassis.work import Work
from contracts.agency.managing import Act
from services.authorizations.tools import Tools


def refuse_reason(work: Work[Tools], act: Act, reason: str | None, field: str = "reason") -> Refusal | None:
    """A reason must be one of the agency's for the act; an agent gives one, wherever there is any to give.

    `field` names it in the body.
    """
    reasons = work.tools.agency.reasons_to(act, work.today)
    if reason is None:
        missing = work.actor.kind == "agent" and bool(reasons)
        return Refusal("reason_missing", fields=(field,)) if missing else None
    if reason not in {found.code for found in reasons}:
        return Refusal("unknown_reason", {"reason": reason}, (field,))
    return None
