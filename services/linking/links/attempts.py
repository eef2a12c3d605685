"""Attempts at linking, counted before anything is compared. The agency's limits.yaml says how many."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from chassis import limits
from chassis.work import Work
from contracts.agency.limits import Budget, LimitName
from services.linking.accounts.domain import Account
from services.linking.tools import Tools

Named = Literal["redemption_per_client_number", "redemption_per_user_name"]

BY_OTHERS: dict[Named, LimitName] = {"redemption_per_user_name": "redemption_per_user_name_by_others"}
"""What all accounts share at what is spent, where it guards what people chose. A code's 60 random bits need none."""

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


async def count(
    work: Work[Tools], account: Account, what: str, named: Named, *, is_known_there: bool = False
) -> Counted | int:
    """Count an attempt by the account, and at what it names. Counted when it may go on, else the seconds to wait.

    What is named can be guessed, so its budget delays and never locks: once it is spent, every account still has one
    attempt per window at it. Where a secret could be guessed by many accounts, one attempt each, those share a budget
    too, but for an account that `is_known_there`. Whoever holds the right secret therefore is heard, however many
    others guess: at once, or where nothing tells them from a guesser in the next window.
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
    if seconds is not None:
        return seconds
    if named not in BY_OTHERS or is_known_there:
        return Counted((by_account, by_both), work.now)
    by_others = Spent(BY_OTHERS[named], at_named.key, budgets[BY_OTHERS[named]])
    seconds = await _spend(work, by_others)
    if seconds is None:
        return Counted((by_account, by_both, by_others), work.now)
    await limits.give_back(work.connection, by_both.name, by_both.key, by_both.budget, work.now)
    return seconds


async def give_back(work: Work[Tools], counted: Counted) -> None:
    """Uncount an attempt from which nobody learned anything."""
    for spent in counted.spent:
        await limits.give_back(work.connection, spent.name, spent.key, spent.budget, counted.at)


async def _spend(work: Work[Tools], spent: Spent) -> int | None:
    return await limits.spend(work.connection, spent.name, spent.key, spent.budget, work.now)
