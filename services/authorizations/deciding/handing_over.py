"""What follows when who can act for an organization has changed: what waits there goes to whoever can decide it."""

from uuid import UUID

from chassis.work import Work
from services.authorizations.deciding.kinds import KINDS, kind_of
from services.authorizations.managing import storage as managing
from services.authorizations.managing.questions import agency_put_somebody, somebody_can_act
from services.authorizations.organizations import storage as organizations
from services.authorizations.requests import storage
from services.authorizations.requests.submitting import announce, decider_of
from services.authorizations.reviews.asking import ask_for_manager
from services.authorizations.tools import Tools

DECIDED = [kind for (kind, _), rule in KINDS.items() if rule.ends]
"""Kinds of requests that somebody decides: an invitation waits for whom it invites."""


async def follow_change(work: Work[Tools], organization_id: UUID) -> None:
    """Where nobody can act any more, agents decide, and are asked who shall; whom an agent put there decides instead.

    What waits for agents stays with them when somebody comes by another way: they may have begun, and a stranger who
    came first must not decide about the true one.
    """
    await organizations.lock(work.connection, [organization_id])
    work.take_time()
    by_agent = await managing.take_changed(work.connection, organization_id)
    if not await somebody_can_act(work, organization_id):
        await _hand_over(work, organization_id)
        await ask_for_manager(work, organization_id)
    elif by_agent and await agency_put_somebody(work, organization_id):
        await _hand_over(work, organization_id)


async def _hand_over(work: Work[Tools], organization_id: UUID) -> None:
    """Let each request that waits be decided by whoever should now, and tell them, and the file's readers."""
    for seen in await storage.waiting(work.connection, organization_id, DECIDED, work.today):
        request = await storage.lock(work.connection, seen)
        assert request is not None  # no row is ever deleted
        if request.state == "submitted" and await decider_of(work, request, organization_id) != request.decider:
            await announce(work, request, organization_id, kind_of(request).tell_deciders)
