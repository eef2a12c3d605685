"""POST /v1/accounts/{id}/erasure, for agents."""

from uuid import UUID

from chassis.fields import Body
from chassis.gateway import AgentCaller, router
from services.accounts.erasing import handlers
from services.accounts.erasing.handlers import ErasureReason
from services.accounts.tools import AccountsCall

routes = router()


class ErasureBody(Body):
    """A code and no free text, which would hold names; kept in the audit."""

    reason: ErasureReason


@routes.post(
    "/v1/accounts/{account_id}/erasure", summary="Erase a closed account’s person", tags=["agents"], status_code=204
)
async def erase(call: AccountsCall, _: AgentCaller, account_id: UUID, body: ErasureBody) -> None:
    """For agents; audited; for good. Name, addresses and password go here and in every service that knew them.

    Ids, dates and the audit stay. The address is free: who comes back opens another account. Repeating tells
    every service again, which one needs that was restored from before.

    Problems: not_found (404), account_not_closed (409; close it first, which tells its person).
    """
    await call.run(handlers.erase, handlers.Erase(account_id, body.reason))
