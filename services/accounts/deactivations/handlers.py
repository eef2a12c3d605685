"""Closing accounts and opening them again."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from chassis.outcomes import Refusal
from chassis.work import Work
from contracts.accounts import AccountDeactivated, AccountReactivated
from contracts.notifications import AccountClosedMail, AccountReopenedMail
from services.accounts import mailing
from services.accounts.credentials.handlers import Drawn, issue_anew
from services.accounts.credentials.storage import user_name_of
from services.accounts.email_changes import storage as changes
from services.accounts.email_changes.handlers import undo_all
from services.accounts.metrics import DEACTIVATIONS
from services.accounts.password_resets import storage as resets
from services.accounts.people import handlers as people
from services.accounts.people import storage
from services.accounts.people.domain import DeactivatedBecause
from services.accounts.people.handlers import OwnAccount
from services.accounts.sessions import reauthentication
from services.accounts.sessions.handlers import end_all
from services.accounts.sessions.reauthentication import Proof
from services.accounts.tools import Tools

DeactivationReason = Literal["misuse", "compromised", "asked_by_person", "deceased", "duplicate"]
ReactivationReason = Literal["settled", "asked_by_person", "mistake"]

IN_OTHER_HANDS: Collection[DeactivationReason] = ("misuse", "compromised")
"""Reasons that say that somebody else may know the password."""


@dataclass(frozen=True)
class Deactivate:
    """An agent closes an account; the reason is kept in the audit."""

    account_id: UUID
    reason: DeactivationReason


@dataclass(frozen=True)
class Reactivate:
    """An agent opens an account again; the reason is kept in the audit. `drawn` is for one with a user name of its own.

    None where the agency has no such accounts.
    """

    account_id: UUID
    reason: ReactivationReason
    drawn: Drawn | None


async def close(work: Work[Tools], proof: Proof) -> Refusal | None:
    """The caller closes their own account. Its address is free at once: registering again opens another account."""
    own = await reauthentication.proven(work, proof)
    if isinstance(own, Refusal):
        return own
    closed = await deactivate(work, own, "closed")
    _tell_closed(work, closed)
    return None


async def deactivate_by_agent(work: Work[Tools], command: Deactivate) -> OwnAccount | Refusal:
    """The address stays taken, so that nobody walks around it by registering again. Once more changes nothing.

    Where another person may have the password, it is void from now on, and so is every change of address that can still
    be undone: an account that is opened again waits for a new password, which its owner is sent. That holds also where
    that person closed the account first.
    """
    own = await _found(work, command.account_id)
    if isinstance(own, Refusal):
        return own
    if command.reason in IN_OTHER_HANDS:
        await storage.set_password(work.connection, command.account_id, work.tools.hasher.dummy)
        own = await undo_all(work, own)
    if own.account.status == "deactivated":
        return own
    closed = await deactivate(work, own, "by_agent", reason=command.reason)
    _tell_closed(work, closed)
    return closed


async def reactivate(work: Work[Tools], command: Reactivate) -> OwnAccount | Refusal:
    """Open an account again unless another has its address by now. Once more changes nothing.

    Its password is the one of before, unless that is void. One with a user name of its own gets another temporary
    password, by a mail to its person alone: whoever answers for the person never has it.

    One that was never linked has its whole time again.
    """
    own = await _found(work, command.account_id)
    if isinstance(own, Refusal) or own.account.status == "active":
        return own
    owner = await storage.owner(work.connection, own.person.email_key)
    if owner is not None and owner.account_id != own.account.account_id:
        return Refusal("address_in_use")
    await storage.take_address(work.connection, own.account.account_id)
    reopened = own.account.following(
        work.now,
        status="active",
        status_since=work.now,
        deactivated_because=None,
        unlinked_since=work.now if own.account.unlinked_since else None,
    )
    await storage.forget_lapse_notice(work.connection, reopened.account_id)
    work.publish(AccountReactivated(account_id=reopened.account_id))
    work.audit("account_reactivated", object_id=reopened.account_id, reason=command.reason)
    kept = await people.keep(work, OwnAccount(reopened, own.person))
    if command.drawn is not None and await user_name_of(work.connection, reopened.account_id) is not None:
        await issue_anew(work, kept, command.drawn)
    else:
        mailing.ask(
            work, AccountReopenedMail, mailing.news(work, reopened.account_id), own.person, mailing.to(own.person)
        )
    return kept


async def deactivate(work: Work[Tools], own: OwnAccount, because: DeactivatedBecause, **detail: Any) -> OwnAccount:
    """End every session and every code of an account that is locked, and let nobody sign in to it."""
    account_id = own.account.account_id
    ended = await end_all(work, own.account, "account_deactivated")
    await resets.close(work.connection, account_id, work.now)
    await changes.close_unverified(work.connection, account_id, work.now)
    if because != "by_agent":
        await storage.release_address(work.connection, account_id)
    closed = ended.following(work.now, status="deactivated", status_since=work.now, deactivated_because=because)
    work.publish(AccountDeactivated(account_id=account_id, because=because))
    work.audit("account_deactivated", object_id=account_id, because=because, **detail)
    DEACTIVATIONS.labels(because).inc()
    return await people.keep(work, OwnAccount(closed, own.person))


async def _found(work: Work[Tools], account_id: UUID) -> OwnAccount | Refusal:
    account = await storage.lock(work.connection, account_id)
    work.take_time()
    if account is None or account.erased_at is not None:
        return Refusal("not_found")
    return OwnAccount(account, await storage.person(work.connection, account_id))


def _tell_closed(work: Work[Tools], closed: OwnAccount) -> None:
    news = mailing.news(work, closed.account.account_id)
    mailing.ask(work, AccountClosedMail, news, closed.person, mailing.to(closed.person), closed_at=work.now)
