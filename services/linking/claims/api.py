"""GET /v1/claims/{id}: what became of a claim."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Query

from chassis.gateway import PersonCaller, router
from chassis.problems import ProblemRaised
from services.linking.claims import views
from services.linking.claims.handlers import ShowClaim, show_claim
from services.linking.claims.views import ClaimView
from services.linking.tools import LinkingCall

routes = router()

REFUSED: dict[int | str, dict[str, Any]] = {
    404: {"description": "not_found: no claim, or another account's."},
    429: {"description": "too_many_attempts: as many calls of the account wait as it may have; without `wait`, none."},
}
LONGEST_WAIT = 30  # seconds: proxies between a portal and here give up after a minute


@routes.get("/v1/claims/{claim_id}", summary="What became of a claim", tags=["claims"], responses=REFUSED)
async def get_claim(
    claim_id: UUID,
    caller: PersonCaller,
    call: LinkingCall,
    wait: Annotated[int, Query(ge=0, le=LONGEST_WAIT, description="Seconds to wait for news, at most.")] = 0,
    seen: Annotated[
        int | None,
        Query(ge=1, description="The `version` that the caller has seen: only what came later is news."),
    ] = None,
) -> ClaimView:
    """One's own alone. With `wait` it answers as soon as there is news, and then as things stand.

    News is another version than the one `seen`; without that, anything that is told of a claim that was just received.
    """
    command = ShowClaim(caller.account_id, claim_id)
    claim = await call.run(show_claim, command)
    shown = views.view(claim, call)
    is_seen = claim.version == seen if seen is not None else shown.state == "received"
    if wait and is_seen and shown.state != "decided":
        refusal = await call.tools.claims.wait(caller.account_id, claim_id, claim.version, wait)
        if refusal is not None:
            raise ProblemRaised(refusal)
        shown = views.view(await call.run(show_claim, command), call)
    return shown
