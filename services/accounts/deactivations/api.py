"""/v1/account/deactivation, and for agents /v1/accounts/{id}/deactivation and /reactivation."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from chassis.fields import Body, Secret
from chassis.gateway import AgentCaller, PersonCaller, router
from services.accounts.credentials.handlers import draw
from services.accounts.deactivations import handlers
from services.accounts.deactivations.handlers import DeactivationReason, ReactivationReason
from services.accounts.people.domain import DeactivatedBecause, Status
from services.accounts.people.handlers import OwnAccount
from services.accounts.sessions import reauthentication
from services.accounts.tools import AccountsCall

routes = router()


class CloseBody(Body):
    """The caller's password once more."""

    password: Secret


class DeactivationBody(Body):
    """A code and no free text, which would hold names; kept in the audit."""

    reason: DeactivationReason


class ReactivationBody(Body):
    """A code and no free text, which would hold names; kept in the audit."""

    reason: ReactivationReason


class AccountStanding(BaseModel):
    """Where an account stands, without its person."""

    account_id: UUID
    status: Status
    status_since: datetime
    deactivated_because: Annotated[DeactivatedBecause | None, Field(description="Null while it is active.")]

    @classmethod
    def of(cls, own: OwnAccount) -> "AccountStanding":
        """As an agent sees it."""
        account = own.account
        return cls(
            account_id=account.account_id,
            status=account.status,
            status_since=account.status_since,
            deactivated_because=account.deactivated_because,
        )


@routes.post("/v1/account/deactivation", summary="Close one's own account", tags=["account"], status_code=204)
async def close(call: AccountsCall, caller: PersonCaller, body: CloseBody) -> None:
    """Ends every session. The address is free at once: who wants to come back registers again.

    Problems: password_wrong (403), too_many_attempts (429).
    """
    proof = await reauthentication.compare(call, caller.account_id, body.password)
    await call.run(handlers.close, proof)


@routes.post("/v1/accounts/{account_id}/deactivation", summary="Close an account", tags=["agents"])
async def deactivate(call: AccountsCall, _: AgentCaller, account_id: UUID, body: DeactivationBody) -> AccountStanding:
    """For agents; audited. Its person is told by mail, and the address cannot register again. Repeating does nothing.

    Problems: not_found (404).
    """
    command = handlers.Deactivate(account_id, body.reason)
    return AccountStanding.of(await call.run(handlers.deactivate_by_agent, command))


@routes.post("/v1/accounts/{account_id}/reactivation", summary="Open an account again", tags=["agents"])
async def reactivate(call: AccountsCall, _: AgentCaller, account_id: UUID, body: ReactivationBody) -> AccountStanding:
    """For agents; audited. Whoever closed it, or if it lapsed. Its person is told by mail. Repeating does nothing.

    With a user name of its own it gets another temporary password, by that mail.

    Problems: not_found (404), address_in_use (409; another account has its address by now).
    """
    drawn = await draw(call.tools.hasher) if call.tools.agency.mandates else None
    return AccountStanding.of(await call.run(handlers.reactivate, handlers.Reactivate(account_id, body.reason, drawn)))
