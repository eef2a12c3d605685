"""Attempts at linking, counted before anything is compared. The agency's limits.yaml says how many."""

from chassis.limits import spend
from chassis.work import Work
from contracts.agency.limits import Budget
from services.linking.accounts.domain import Account
from services.linking.tools import Tools


async def count_attempt(work: Work[Tools], account: Account, client_number: str) -> int | None:
    """Count the attempt before anything is compared. None when it may go on, else the seconds to wait.

    A client number can be guessed, so its budget delays and never locks: once it is spent, every account still has one
    attempt per window at that number. Whoever holds the right code therefore is heard, however many others guess.
    """
    budgets, now = work.tools.agency.limits.attempts, work.now
    per_account, per_number = budgets["redemption_per_account"], budgets["redemption_per_client_number"]
    key = work.tools.keyring.lookup
    who, what = key("redemption", str(account.account_id)), key("redemption", client_number)
    seconds = await spend(work.connection, "redemption_per_account", who, per_account, now)
    if seconds is not None:
        return seconds
    if await spend(work.connection, "redemption_per_client_number", what, per_number, now) is None:
        return None
    one_more = Budget(count=1, per_seconds=per_number.per_seconds)
    pair = key("redemption", f"{account.account_id}:{client_number}")
    return await spend(work.connection, "redemption_at_spent_client_number", pair, one_more, now)
