"""What a person may see of their own account."""

from dataclasses import dataclass
from uuid import UUID

from chassis.work import Work
from services.accounts.people import storage
from services.accounts.people.domain import Account, PersonalFields
from services.accounts.tools import Tools


@dataclass(frozen=True)
class OwnAccount:
    """An account with its person."""

    account: Account
    person: PersonalFields


async def show(work: Work[Tools], account_id: UUID) -> OwnAccount:
    """The caller's own account."""
    return OwnAccount(
        await storage.account(work.connection, account_id), await storage.person(work.connection, account_id)
    )
