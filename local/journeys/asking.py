"""What any portal, and any other system, asks of authorizations: a decision about a request, and the access check."""

from typing import Any

from local.journeys.portal import Portal, Someone


async def decide(portal: Portal, who: Someone, request_id: str, decision: object) -> None:
    """Read the request, then decide the version that was read."""
    path = f"/v1/requests/{request_id}"
    await portal.call(who, "authorizations", "GET", path, expect=200)
    version = {"If-Match": who.etag}
    await portal.call(who, "authorizations", "POST", f"{path}/decision", json=decision, headers=version, expect=200)


async def evaluate(portal: Portal, machine: Someone, who: Someone, subject: str, about: str) -> Any:
    """One access question, to be explained: may this person write the subject, of an organization or of themselves?"""
    question = {
        "subject": {"type": "account", "id": who.account_id},
        "action": {"name": "write"},
        "resource": {"type": subject, "id": about},
        "context": {"explain": True},
    }
    return await portal.call(machine, "authorizations", "POST", "/access/v1/evaluation", json=question, expect=200)


async def may_write(portal: Portal, machine: Someone, who: Someone, subject: str, about: str) -> bool:
    """Whether the answer is yes."""
    return bool((await evaluate(portal, machine, who, subject, about))["decision"])
