"""Erasing a person: what is known of them goes, and a tombstone has every other service do the same."""

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from chassis.outcomes import Refusal
from chassis.work import Work
from contracts.accounts import AccountErased, Person
from services.accounts.erasing import storage
from services.accounts.people import storage as people
from services.accounts.tools import Tools

ErasureReason = Literal["asked_by_person", "deceased", "no_longer_needed"]


@dataclass(frozen=True)
class Erase:
    """An agent has a person erased; the reason is kept in the audit."""

    account_id: UUID
    reason: ErasureReason


async def erase(work: Work[Tools], command: Erase) -> Refusal | None:
    """Erase the person of a closed account: closing told them, ended every session and every way in. Once is for good.

    What tells of the account afterwards is a tombstone, which takes the last state's place on the topic; once more for
    each time that it is asked: the topic loses it in a week, and a service may be restored from before.
    """
    account = await people.lock(work.connection, command.account_id)
    work.take_time()
    if account is None:
        return Refusal("not_found")
    if account.erased_at is not None:
        work.forget(Person, command.account_id)
        return None
    if account.status == "active":
        return Refusal("account_not_closed")
    await storage.erase(work.connection, command.account_id, work.tools.hasher.dummy, work.now)
    work.publish(AccountErased(account_id=command.account_id))
    work.forget(Person, command.account_id)
    work.audit("account_erased", object_id=command.account_id, reason=command.reason)
    return None
