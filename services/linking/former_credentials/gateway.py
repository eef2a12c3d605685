"""A former credential at the gateway: three steps, and the costly one stands between two transactions."""

from uuid import UUID

from chassis.outcomes import Refusal
from chassis.problems import ProblemRaised
from chassis.slowing import Everybodys, slow_down
from contracts.agency.limits import LimitName
from contracts.agency.linking import FormerCredential
from services.linking.former_credentials.directory import RETRY_AFTER, DirectoryUnavailable
from services.linking.former_credentials.redeeming import Attempt, Redemption, begin, give_back, redeem
from services.linking.tools import LinkingCall

BODY = "link_body"
"""What the keyed digest of a request's body is for: an unkeyed one, kept with its Idempotency-Key, would let whoever
reads the database try passwords."""


IN_ALL: LimitName = "former_credentials_in_all"


async def redeem_former_credential(
    call: LinkingCall, account_id: UUID, method: FormerCredential, user_name: str, password: str
) -> UUID:
    """The first link made. Its last step comes whatever the password was: a repeated request is known only there.

    Raises ProblemRaised: as `begin` and `redeem` refuse, and unavailable.
    """
    begun = await call.run(begin, Attempt(account_id, method, user_name))
    await slow_down(call, Everybodys(IN_ALL, call.tools.agency.limits.attempts[IN_ALL]))
    try:
        proof = await call.tools.prover.prove(method, begun.candidate, user_name, password)
    except DirectoryUnavailable:
        await call.run(give_back, begun.counted)
        raise ProblemRaised(Refusal("unavailable", retry_after=RETRY_AFTER)) from None
    keyed = call.tools.keyring.lookup
    return await call.create(
        redeem,
        Redemption(account_id, method, user_name, proof),
        lambda linked: linked.link_id,
        digest=lambda body: keyed(BODY, body.decode("utf-8", "replace")),
    )
