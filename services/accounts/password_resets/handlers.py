"""Choosing a new password: whether an address has an account shows in no answer, and in exactly one mail."""

from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from chassis.outcomes import Refusal
from chassis.work import Work
from contracts.accounts import PasswordReset
from contracts.agency.limits import LimitName
from contracts.events import Language
from contracts.notifications import (
    Contents,
    NoAccountMail,
    PasswordChangedMail,
    PasswordResetCodeMail,
    VerificationCodeContents,
)
from services.accounts import attempts, codes, mailing, passwords
from services.accounts.mailing import Delivery
from services.accounts.metrics import PASSWORD_RESETS
from services.accounts.networks import handlers as known_networks
from services.accounts.password_resets import domain, storage
from services.accounts.password_resets.domain import Accepted, Reset
from services.accounts.people import handlers as people
from services.accounts.people import storage as people_storage
from services.accounts.people.domain import PersonalFields, address_key
from services.accounts.people.handlers import OwnAccount
from services.accounts.sessions.handlers import end_all
from services.accounts.tools import Tools

ADDRESS_LIMIT: LimitName = "password_reset_per_address"
TRIES_LIMIT: LimitName = "password_reset_tries"


@dataclass(frozen=True)
class Ask:
    """Somebody at `host` who reads `language` has forgotten the password of an address."""

    email: str = field(repr=False)
    language: Language
    host: str = field(repr=False)


@dataclass(frozen=True)
class Complete:
    """A code as submitted at `host`, with a password that is acceptable to anybody, normalized and hashed."""

    reset_id: UUID
    host: str = field(repr=False)
    code: str = field(repr=False)
    password: str = field(repr=False)
    password_hash: str = field(repr=False)


async def admit(work: Work[Tools], host: str) -> Refusal | None:
    """Whether a request may be worked on: the network's limit comes before any hashing or mail."""
    return await attempts.by_network(work, "password_reset", host)


async def ask(work: Work[Tools], command: Ask) -> Accepted:
    """Send the one mail: a code, or to an address without an active account the news that it has none.

    Over the address's limit nothing is sent and the answer is the same, as for registrations.
    """
    email_key = address_key(command.email)
    lifetime = timedelta(minutes=work.tools.agency.limits.one_time_code.minutes)
    accepted = Accepted(work.new_id(), codes.new_handle(), work.now + lifetime)
    if await attempts.by_mailbox(work, ADDRESS_LIMIT, email_key, command.host):
        PASSWORD_RESETS.labels("over_limit").inc()
        return accepted
    owner = await storage.owner_with_password(work.connection, email_key)
    secret = _mail(work, command, accepted, owner)
    account_id = owner.account_id if owner else None
    await storage.insert(
        work.connection,
        Reset(
            reset_id=accepted.reset_id,
            account_id=account_id,
            address=attempts.digest_of(work, email_key),
            requested_at=work.now,
            code_digest=work.tools.keyring.digest(domain.code_purpose(accepted.reset_id), secret),
            code_expires_at=accepted.expires_at,
            tries=0,
            closed_at=None,
        ),
    )
    work.audit("password_reset_requested", object_id=account_id, reset_id=str(accepted.reset_id))
    PASSWORD_RESETS.labels("code" if owner else "no_account").inc()
    return accepted


async def complete(work: Work[Tools], command: Complete) -> Refusal | None:
    """Set the password for the right code, once, and end every session. All else is refused in the same words.

    The account is locked first, as by every change of one. The try is counted before the code is compared, twice: of
    this reset, and of its address over all resets. A password made of the person's own words is refused only to who
    has the code, because it would tell whose account it is.
    """
    account_id = await storage.account_of(work.connection, command.reset_id)
    account = await people_storage.lock(work.connection, account_id or command.reset_id)
    reset = await storage.count_try(work.connection, command.reset_id, work.tools.agency.limits.one_time_code.tries)
    work.take_time()
    right = reset is not None and await _is_right(work, reset, command.code)
    if not right or account is None or account.status != "active":
        work.audit("password_reset_code_refused", object_id=account_id, reset_id=str(command.reset_id))
        PASSWORD_RESETS.labels("refused").inc()
        return Refusal("code_refused")
    person = await people_storage.person(work.connection, account.account_id)
    about = (person.email, person.given_name, person.family_name)
    if refusal := passwords.refusal(work.tools.agency, command.password, *about):
        return refusal
    await people_storage.set_password(work.connection, account.account_id, command.password_hash)
    await storage.close(work.connection, account.account_id, work.now)
    await attempts.forgive(work, "sign_in", person.email_key, command.host)
    await attempts.forgive(work, TRIES_LIMIT, person.email_key, command.host)
    await known_networks.remember(work, person.email_key, command.host)
    work.publish(PasswordReset(account_id=account.account_id))
    work.audit("password_reset", object_id=account.account_id, reset_id=str(command.reset_id))
    await people.keep(work, OwnAccount(await end_all(work, account, "password_reset"), person))
    news = mailing.news(work, account.account_id)
    mailing.ask(work, PasswordChangedMail, news, person, mailing.to(person), changed_at=work.now)
    PASSWORD_RESETS.labels("completed").inc()
    return None


async def forget(work: Work[Tools], _: None) -> None:
    """Forget resets whose codes are long dead."""
    await storage.forget(work.connection, work.now - domain.KEPT_FOR)


async def _is_right(work: Work[Tools], reset: Reset, code: str) -> bool:
    """Whether the code is right. What others tried for the address leaves each reset its first try."""
    spent = await attempts.by_digest(work, TRIES_LIMIT, reset.address)
    if spent and reset.tries > 1:
        return False
    matches = work.tools.keyring.matches(domain.code_purpose(reset.reset_id), code, reset.code_digest)
    return matches and reset.accepts_code(work.now)


def _mail(work: Work[Tools], command: Ask, accepted: Accepted, owner: PersonalFields | None) -> str:
    """Ask for the mail to the account's address, or to the one that was typed. Returns the code, or what is none."""
    delivery = Delivery(
        recipient_id=owner.account_id if owner else accepted.reset_id,
        delivery_id=work.new_id(),
        handle=accepted.delivery_handle,
        expires_at=accepted.expires_at,
    )
    if owner is None:
        contents = Contents(address=command.email, given_name="")
        mailing.ask(work, NoAccountMail, delivery, mailing.Stranger(command.language), contents)
        return codes.no_code()
    code = codes.new_code()
    minutes = work.tools.agency.limits.one_time_code.minutes
    sealed = VerificationCodeContents(address=owner.email, given_name=owner.given_name, code=code)
    mailing.ask(work, PasswordResetCodeMail, delivery, owner, sealed, minutes=minutes)
    return code
