"""Changing an account's address: whether the new one is somebody's shows in no answer, and in exactly one mail."""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from uuid import UUID

from chassis.outcomes import Refusal
from chassis.work import Work
from contracts.accounts import EmailChanged
from contracts.agency.limits import LimitName
from contracts.notifications import (
    AddressTakenMail,
    EmailChangeCodeMail,
    EmailChangedMail,
    UndoContents,
    VerificationCodeContents,
)
from services.accounts import attempts, codes, mailing
from services.accounts.email_changes import domain, storage
from services.accounts.email_changes.domain import Accepted, Change
from services.accounts.mailing import Delivery
from services.accounts.metrics import EMAIL_CHANGES
from services.accounts.password_resets import storage as resets
from services.accounts.people import handlers as people
from services.accounts.people import storage as people_storage
from services.accounts.people.domain import PersonalFields, address_key
from services.accounts.people.handlers import OwnAccount
from services.accounts.sessions import reauthentication
from services.accounts.sessions.handlers import end_all
from services.accounts.sessions.reauthentication import Proof
from services.accounts.tools import Tools

ACCOUNT_LIMIT: LimitName = "email_change_per_account"
ADDRESS_LIMIT: LimitName = "registration_per_address"  # mails with codes to an address, whatever they are for


@dataclass(frozen=True)
class Ask:
    """The caller wants another address."""

    proof: Proof
    new_email: str = field(repr=False)
    host: str = field(repr=False)


@dataclass(frozen=True)
class Verify:
    """A code as submitted by the person whose account it is."""

    account_id: UUID
    change_id: UUID
    code: str = field(repr=False)


@dataclass(frozen=True)
class UndoAttempt:
    """Somebody at `host` has clicked, on the page to which the mail at the former address leads."""

    token: str = field(repr=False)
    host: str = field(repr=False)


@dataclass(frozen=True)
class UndoCandidate:
    """Whose address would change back, and whose password the one presented must be; a dummy's for nobody."""

    account_id: UUID | None
    password_hash: str = field(repr=False)


@dataclass(frozen=True)
class Undo:
    """The outcome of comparing the password, outside any transaction."""

    token: str = field(repr=False)
    candidate: UndoCandidate
    password_is_right: bool


async def ask(work: Work[Tools], command: Ask) -> Accepted | Refusal:
    """Send the one mail: a code to the new address, or the news to the owner of one that is taken.

    A newer change takes the place of one that was not verified. Over the new address's limit nothing is sent and the
    answer is the same.
    """
    own = await reauthentication.proven(work, command.proof)
    if isinstance(own, Refusal):
        return own
    if refusal := await attempts.by_account(work, ACCOUNT_LIMIT, ACCOUNT_LIMIT, own.account.account_id):
        return refusal
    lifetime = timedelta(minutes=work.tools.agency.limits.one_time_code.minutes)
    accepted = Accepted(work.new_id(), codes.new_handle(), work.now + lifetime)
    new_key = address_key(command.new_email)
    if await attempts.by_mailbox(work, ADDRESS_LIMIT, new_key, command.host):
        EMAIL_CHANGES.labels("over_limit").inc()
        return accepted
    wanted = replace(own.person, account_id=accepted.change_id, email=command.new_email, email_key=new_key, fields={})
    secret = await _mail(work, own, wanted, accepted)
    await storage.close_unverified(work.connection, own.account.account_id, work.now)
    await people_storage.insert_person(work.connection, wanted)
    await storage.insert(
        work.connection,
        Change(
            change_id=accepted.change_id,
            account_id=own.account.account_id,
            requested_at=work.now,
            code_digest=work.tools.keyring.digest(domain.code_purpose(accepted.change_id), secret),
            code_expires_at=accepted.expires_at,
            tries=0,
            changed_at=None,
            undo_until=None,
            closed_at=None,
        ),
    )
    work.audit("email_change_requested", object_id=own.account.account_id, change_id=str(accepted.change_id))
    return accepted


async def verify(work: Work[Tools], command: Verify) -> OwnAccount | Refusal:
    """Give the account its new address for the right code, once, and tell the former one how to undo it.

    The try is counted before the code is compared. Who opens or changes an account to the address first wins: another
    collides with it, is run again, and finds the address taken.
    """
    own = await people.lock(work, command.account_id)
    tries = work.tools.agency.limits.one_time_code.tries
    change = await storage.count_try(work.connection, command.change_id, command.account_id, tries)
    wanted = await _wanted(work, own, change, command.code) if change else None
    if change is None or wanted is None:
        work.audit("email_change_code_refused", object_id=command.account_id, change_id=str(command.change_id))
        EMAIL_CHANGES.labels("refused").inc()
        return Refusal("code_refused")
    token = codes.new_token()
    undo_until = work.now + timedelta(days=work.tools.agency.accounts.email_changes.undo_days)
    await storage.changed(work.connection, change.change_id, work.now, domain.token_digest(token), undo_until)
    await people_storage.change_address(work.connection, change.change_id, own.person.email, own.person.email_key)
    sealed = UndoContents(address=own.person.email, given_name=own.person.given_name, token=token)
    news = mailing.news(work, command.account_id)
    mailing.ask(work, EmailChangedMail, news, own.person, sealed, changed_at=work.now, undo_until=undo_until)
    work.audit("email_changed", object_id=command.account_id, change_id=str(command.change_id))
    EMAIL_CHANGES.labels("changed").inc()
    return await _give(work, own, wanted, undone=False)


async def begin_undo(work: Work[Tools], command: UndoAttempt) -> UndoCandidate | Refusal:
    """Count the attempt before any work, on the network and on what was typed, known or not."""
    if refusal := await attempts.by_network(work, "undo", command.host):
        return refusal
    tries = work.tools.agency.limits.one_time_code.tries
    found = await storage.count_undo_try(work.connection, domain.token_digest(command.token), tries)
    account_id, password_hash = found or (None, None)
    return UndoCandidate(account_id, password_hash or work.tools.hasher.dummy)


async def undo(work: Work[Tools], command: Undo) -> Refusal | None:
    """Give the account back to the former address, whatever has become of it, its address and its password since.

    Neither the mailbox nor the password is enough: a firm reads the mailbox of whoever has left it, and whoever changed
    the address knew the password of then. Who undoes says that somebody else knew it: no password works until a new
    one is chosen (a password reset, by the mail of the address that the account has again), every session ends, and
    later changes are void. One that is closed stays so, but whoever opens it again writes to the owner.
    """
    account_id = command.candidate.account_id
    if account_id is None or not command.password_is_right:
        return _undo_refused(work, account_id)
    digest = domain.token_digest(command.token)
    own = await people.lock(work, account_id)
    change = await storage.by_token(work.connection, digest)
    former = await _former(work, own, change)
    if former is None:
        return _undo_refused(work, account_id)
    await people_storage.set_password(work.connection, account_id, work.tools.hasher.dummy)
    ended = await end_all(work, own.account, "email_change_undone")
    await _undo(work, OwnAccount(ended, own.person), change, former)
    return None


async def undo_all(work: Work[Tools], own: OwnAccount) -> OwnAccount:
    """Give an account that another person had in hand, which is locked, the address before every change of late.

    Where another account has that address by now, this one has a claim to none, and is not opened again.
    """
    account_id = own.account.account_id
    change = await storage.first_to_undo(work.connection, account_id, work.now)
    if change is None:
        return own
    former = await people_storage.person(work.connection, change.change_id)
    if await _if_free(work, own, former) is None:
        await people_storage.release_address(work.connection, account_id)
    return await _undo(work, own, change, former)


async def forget(work: Work[Tools], _: None) -> None:
    """Forget what can neither be verified nor undone any more, and its addresses."""
    await storage.forget(work.connection, work.now - domain.KEPT_FOR)


async def _mail(work: Work[Tools], own: OwnAccount, wanted: PersonalFields, accepted: Accepted) -> str:
    """Ask for the one mail. Returns the code in it, or what is none."""
    owner = await people_storage.owner(work.connection, wanted.email_key)
    delivery = Delivery(
        recipient_id=accepted.change_id,
        delivery_id=work.new_id(),
        handle=accepted.delivery_handle,
        expires_at=accepted.expires_at,
    )
    if owner is not None and owner.account_id != own.account.account_id:
        mailing.ask(work, AddressTakenMail, delivery, owner, mailing.to(owner))
        EMAIL_CHANGES.labels("taken").inc()
        return codes.no_code()
    code = codes.new_code()
    sealed = VerificationCodeContents(address=wanted.email, given_name=wanted.given_name, code=code)
    minutes = work.tools.agency.limits.one_time_code.minutes
    mailing.ask(work, EmailChangeCodeMail, delivery, wanted, sealed, minutes=minutes)
    EMAIL_CHANGES.labels("code").inc()
    return code


async def _wanted(work: Work[Tools], own: OwnAccount, change: Change, code: str) -> PersonalFields | None:
    """Who wanted the address, with it, if the code is right and nobody else has taken it since."""
    matches = work.tools.keyring.matches(domain.code_purpose(change.change_id), code, change.code_digest)
    if not (matches and change.accepts_code(work.now) and own.account.status == "active"):
        return None
    return await _if_free(work, own, await people_storage.person(work.connection, change.change_id))


async def _former(work: Work[Tools], own: OwnAccount, change: Change) -> PersonalFields | None:
    """The former address, if the change can be undone and nobody has opened an account with it since."""
    if not change.can_be_undone(work.now):
        return None
    return await _if_free(work, own, await people_storage.person(work.connection, change.change_id))


async def _undo(work: Work[Tools], own: OwnAccount, change: Change, former: PersonalFields) -> OwnAccount:
    """Give the account the former address; this change and later ones are void."""
    account_id = own.account.account_id
    await storage.close_from(work.connection, account_id, change.requested_at, work.now)
    work.audit("email_change_undone", object_id=account_id, change_id=str(change.change_id))
    EMAIL_CHANGES.labels("undone").inc()
    return await _give(work, own, former, undone=True)


async def _if_free(work: Work[Tools], own: OwnAccount, wanted: PersonalFields) -> PersonalFields | None:
    owner = await people_storage.owner(work.connection, wanted.email_key)
    return wanted if owner is None or owner.account_id == own.account.account_id else None


async def _give(work: Work[Tools], own: OwnAccount, address: PersonalFields, *, undone: bool) -> OwnAccount:
    """Give the account the address, and kill whatever was on its way to the one it had."""
    person = replace(own.person, email=address.email, email_key=address.email_key)
    await people_storage.change_address(work.connection, person.account_id, person.email, person.email_key)
    await resets.close(work.connection, person.account_id, work.now)
    work.publish(EmailChanged(account_id=person.account_id, undone=undone))
    return await people.keep(work, OwnAccount(own.account.following(work.now), person))


def _undo_refused(work: Work[Tools], account_id: UUID | None) -> Refusal:
    work.audit("email_change_undo_refused", object_id=account_id)
    EMAIL_CHANGES.labels("undo_refused").inc()
    return Refusal("undo_refused", {"support": work.tools.agency.profile.support_email})
