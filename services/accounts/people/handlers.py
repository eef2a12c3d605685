"""What a person may see of their own account, and how any change of one is kept."""

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


async def lock(work: Work[Tools], account_id: UUID) -> OwnAccount:
    """An account that exists, ours until the transaction ends; the decision's instant is taken again."""
    account = await storage.lock(work.connection, account_id)
    assert account is not None
    work.take_time()
    return OwnAccount(account, await storage.person(work.connection, account_id))


async def keep(work: Work[Tools], own: OwnAccount) -> OwnAccount:
    """Keep a changed account, and publish its state."""
    await storage.save(work.connection, own.account)
    work.publish(own.account.state(own.person))
    return own
