"""The account that calls."""

from uuid import UUID

from chassis.outcomes import Refusal
from chassis.work import Work
from services.linking.accounts import storage
from services.linking.accounts.domain import Account
from services.linking.tools import Tools


async def caller(work: Work[Tools], account_id: UUID) -> Account | Refusal:
    """The account that calls, when it may. Refusals: account_not_yet_known, not_authenticated."""
    account = await storage.account(work.connection, account_id)
    if account is None:
        return Refusal("account_not_yet_known", retry_after=1)
    return account if account.active else Refusal("not_authenticated")
