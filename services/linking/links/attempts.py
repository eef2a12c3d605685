"""Attempts at linking, counted before anything is compared. The agency's limits.yaml says how many."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from chassis import limits
from chassis.work import Work
from contracts.agency.limits import Budget
from services.linking.accounts.domain import Account
from services.linking.tools import Tools

Named = Literal["redemption_per_client_number", "redemption_per_user_name"]

AT_SPENT: dict[Named, str] = {
    "redemption_per_client_number": "redemption_at_spent_client_number",
    "redemption_per_user_name": "redemption_at_spent_user_name",
}
"""What an account's single attempt is counted as, at what others have spent."""


@dataclass(frozen=True)
class Spent:
    """One attempt, counted under a name and a key."""

    name: str
    key: bytes
    budget: Budget


@dataclass(frozen=True)
class Counted:
    """An attempt that may go on, and where it was counted."""

    spent: tuple[Spent, ...]
    at: datetime


async def count(work: Work[Tools], account: Account, what: str, named: Named) -> Counted | int:
    """Count an attempt by the account, and at what it names. Counted when it may go on, else the seconds to wait.

    What is named can be guessed, so its budget delays and never locks: once it is spent, every account still has one
    attempt per window at it. Whoever holds the right secret therefore is heard, however many others guess.
    """
    budgets, key = work.tools.agency.limits.attempts, work.tools.keyring.lookup
    by_account = Spent(
        "redemption_per_account", key("redemption", str(account.account_id)), budgets["redemption_per_account"]
    )
    seconds = await _spend(work, by_account)
    if seconds is not None:
        return seconds
    at_named = Spent(named, key("redemption", what), budgets[named])
    if await _spend(work, at_named) is None:
        return Counted((by_account, at_named), work.now)
    one_more = Budget(count=1, per_seconds=at_named.budget.per_seconds)
    by_both = Spent(AT_SPENT[named], key("redemption", f"{account.account_id}:{what}"), one_more)
    seconds = await _spend(work, by_both)
    return Counted((by_account, by_both), work.now) if seconds is None else seconds


async def give_back(work: Work[Tools], counted: Counted) -> None:
    """Uncount an attempt from which nobody learned anything."""
    for spent in counted.spent:
        await limits.give_back(work.connection, spent.name, spent.key, spent.budget, counted.at)


async def _spend(work: Work[Tools], spent: Spent) -> int | None:
    return await limits.spend(work.connection, spent.name, spent.key, spent.budget, work.now)
