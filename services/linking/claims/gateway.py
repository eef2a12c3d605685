"""A claim at the gateway: POST /v1/links with the method of organization codes."""

from uuid import UUID

from chassis.slowing import Everybodys, slow_down
from services.linking.claims.handlers import (
    ClaimOrganization,
    ShowClaim,
    begin_claim,
    claim_organization,
    show_claim,
)
from services.linking.claims.views import ClaimView, view
from services.linking.tools import LinkingCall

BODY = "claim_body"
"""What the keyed digest of a request's body is for: a code of six digits could be found by an unkeyed one, which stands
beside its Idempotency-Key."""

IN_ALL = "organization_codes_in_all"


async def claim(call: LinkingCall, command: ClaimOrganization) -> UUID:
    """The id of the claim. Raises ProblemRaised, as `begin_claim` and `claim_organization` refuse.

    First its account's own delay, so that one account spends nothing of what everybody shares while it has to wait. A
    repeated request is known in the last step alone, as that of a former credential.
    """
    allowed = call.tools.agency.limits.organization_codes
    assert allowed is not None  # an agency with the method has them (checks.check_linking)
    await call.run(begin_claim, command.account_id)
    await slow_down(call, Everybodys(IN_ALL, allowed.in_all))
    keyed = call.tools.keyring.lookup
    return await call.create(
        claim_organization,
        command,
        lambda claimed: claimed.claim_id,
        digest=lambda body: keyed(BODY, body.decode("utf-8", "replace")),
    )


async def shown(call: LinkingCall, account_id: UUID, claim_id: UUID) -> ClaimView:
    """A claim of the account, as it stands."""
    return view(await call.run(show_claim, ShowClaim(account_id, claim_id)), call)
