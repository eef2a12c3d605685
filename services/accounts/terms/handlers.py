"""Accepting the terms of use again."""

from dataclasses import dataclass
from uuid import UUID

from chassis.outcomes import Refusal
from chassis.work import Work
from contracts.accounts import TermsAccepted
from services.accounts.people import handlers as people
from services.accounts.people.handlers import OwnAccount
from services.accounts.terms import storage
from services.accounts.tools import Tools


@dataclass(frozen=True)
class Accept:
    """A person has read this version and accepts it."""

    account_id: UUID
    terms_version: str


async def accept(work: Work[Tools], command: Accept) -> OwnAccount | Refusal:
    """Only the version in force can be accepted; once more changes nothing."""
    current = work.tools.agency.terms.version
    if command.terms_version != current:
        return Refusal("terms_not_current", {"current": current}, fields=("terms_version",))
    own = await people.lock(work, command.account_id)
    if own.account.terms_version == current:
        return own
    account = own.account.following(work.now, terms_version=current, terms_accepted_at=work.now)
    await storage.insert_acceptance(work.connection, account)
    work.publish(TermsAccepted(account_id=account.account_id, terms_version=current))
    work.audit("terms_accepted", object_id=account.account_id, terms_version=current)
    return await people.keep(work, OwnAccount(account, own.person))
