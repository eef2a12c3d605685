"""Registering: whether an address is known shows in no answer, and in exactly one mail."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from chassis import limits
from chassis.outcomes import Refusal
from chassis.work import Work
from contracts.accounts import VerificationRequested
from contracts.agency.limits import LimitName
from contracts.events import Language
from contracts.notifications import (
    AlreadyRegisteredMail,
    VerificationCodeContents,
    VerificationCodeMail,
    VerificationLinkContents,
    VerificationLinkMail,
)
from services.accounts import attempts, codes, mailing
from services.accounts.doors import domain as doors
from services.accounts.mailing import Delivery
from services.accounts.metrics import REGISTRATIONS, VERIFICATIONS
from services.accounts.networks import handlers as known_networks
from services.accounts.opening import Opening, open_account
from services.accounts.people import fields
from services.accounts.people import storage as people
from services.accounts.people.domain import Account, PersonalFields, address_key
from services.accounts.registrations import domain, storage
from services.accounts.registrations.domain import Accepted, Registration
from services.accounts.sessions.handlers import Tokens, open_session
from services.accounts.tools import Client, Tools

ADDRESS_LIMIT: LimitName = "registration_per_address"


@dataclass(frozen=True)
class Attempt:
    """Somebody at `host` is about to register under these terms, by a door and at a portal of the agency's.

    Without a door or portal: by or at its first.
    """

    host: str = field(repr=False)
    terms_version: str
    door: str | None
    portal: str | None


@dataclass(frozen=True)
class Register:
    """Somebody at `host` wants an account; the password is acceptable, and hashed."""

    host: str = field(repr=False)
    email: str = field(repr=False)
    password_hash: str = field(repr=False)
    given_name: str = field(repr=False)
    family_name: str = field(repr=False)
    language: Language
    terms_version: str
    door: str | None
    portal: str | None
    fields: Mapping[str, str | None] = field(repr=False)


@dataclass(frozen=True)
class Verify:
    """A code as submitted by a client."""

    registration_id: UUID
    code: str = field(repr=False)
    client: Client


@dataclass(frozen=True)
class Confirmation:
    """Somebody has opened the link of a registration, and typed a password on its page."""

    registration_id: UUID
    token: str = field(repr=False)
    client: Client


@dataclass(frozen=True)
class Confirm:
    """The outcome of comparing that password with `password_hash`, outside any transaction."""

    confirmation: Confirmation
    password_hash: str = field(repr=False)
    password_is_right: bool


@dataclass(frozen=True)
class Resend:
    """Somebody at `host` asks for another code."""

    registration_id: UUID
    host: str = field(repr=False)


@dataclass(frozen=True)
class Mailed:
    """One mail is on its way. `code_digest` is of the code in it, or of nothing that could be typed."""

    code_digest: str = field(repr=False)
    accepted: Accepted


async def admit(work: Work[Tools], command: Attempt) -> Refusal | None:
    """Whether a registration may be worked on: the network's limit comes before any hashing."""
    current = work.tools.agency.terms.version
    await limits.not_waiting(work.connection)
    refusal = await attempts.by_network(work, "registration", command.host)
    if refusal is None and command.terms_version != current:
        refusal = Refusal("terms_not_current", {"current": current}, fields=("terms_version",))
    return (
        refusal
        or doors.refuse_registration(work.tools.agency, command.door, work.today)
        or domain.refuse_portal(work.tools.agency, command.portal, work.today)
    )


async def register(work: Work[Tools], command: Register) -> Accepted | Refusal:
    """Draw the account's id and send the one mail: a code, or the news that the address has an account.

    An address over its limit gets no mail and leaves no trace; the answer is the same, because the limit is counted by
    address whether or not it is known, and protects a mailbox whose owner may not be the caller.
    """
    person = PersonalFields(
        account_id=work.new_id(),
        email=command.email,
        email_key=address_key(command.email),
        given_name=command.given_name,
        family_name=command.family_name,
        language=command.language,
        portal=command.portal,
        fields=fields.kept({}, command.fields),
    )
    registration_id = work.new_id()
    if await attempts.by_mailbox(work, ADDRESS_LIMIT, person.email_key, command.host):
        REGISTRATIONS.labels("over_limit").inc()
        return _as_if_mailed(work, registration_id)
    mailed = await _mail(work, registration_id, person)
    await people.insert_person(work.connection, person)
    await storage.insert(
        work.connection,
        Registration(
            registration_id=registration_id,
            account_id=person.account_id,
            registered_at=work.now,
            terms_version=command.terms_version,
            password_hash=command.password_hash,
            code_digest=mailed.code_digest,
            code_expires_at=mailed.accepted.expires_at,
            resend_after=mailed.accepted.resend_after,
            tries=0,
            verified_at=None,
            door=command.door,
        ),
    )
    work.audit("registration_accepted", object_id=registration_id, account_id=str(person.account_id))
    return mailed.accepted


async def resend(work: Work[Tools], command: Resend) -> Accepted | Refusal:
    """Send one mail again: a new code, or for an address that is known by now the same news as before.

    It must be one mail either way, because its delivery can be asked for by handle. An id that nobody drew is answered
    like one that somebody did. Over the address's limit nothing is sent and the last code stays good until it expires.
    """
    if refusal := await attempts.by_network(work, "registration", command.host):
        return refusal
    registration = await storage.lock(work.connection, command.registration_id)
    now = work.take_time()
    if registration is None:
        return _as_if_mailed(work, command.registration_id)
    if registration.tries >= work.tools.agency.confirmation.tries:
        return Refusal("registration_exhausted")
    if now < registration.resend_after:
        seconds = _whole_seconds(registration.resend_after - now)
        return limits.too_many(seconds, "resend_too_soon")
    person = await people.person(work.connection, registration.account_id)
    if await attempts.by_mailbox(work, ADDRESS_LIMIT, person.email_key, command.host):
        REGISTRATIONS.labels("over_limit").inc()
        return _as_if_mailed(work, command.registration_id, expires_at=registration.code_expires_at)
    mailed = await _mail(work, command.registration_id, person)
    await storage.renew_code(
        work.connection,
        command.registration_id,
        mailed.code_digest,
        mailed.accepted.expires_at,
        mailed.accepted.resend_after,
    )
    work.audit("registration_code_sent_again", object_id=command.registration_id)
    return mailed.accepted


async def verify(work: Work[Tools], command: Verify) -> Tokens | Refusal:
    """Open the account and a first session, once, for the right code. Everything else is refused in the same words.

    The try is counted before the code is compared, and stays counted. Of two registrations of one address the first to
    arrive here wins: the other collides with it, is run again, and finds the address taken.
    """
    tries = work.tools.agency.confirmation.tries
    registration = await storage.count_try(work.connection, command.registration_id, tries)
    work.take_time()
    if registration is None or not _is_right(work, registration, command.code):
        return _refused(work, command.registration_id, "code_refused")
    return await _open(work, registration, command.client) or _refused(work, command.registration_id, "code_refused")


async def begin_confirmation(work: Work[Tools], command: Confirmation) -> str | Refusal:
    """Count the attempt before any work, on the network and on the registration. The hash to compare with.

    It is the registration's only for the right token; else a dummy's, so that the work is the same.
    """
    if refusal := await attempts.by_network(work, "confirmation", command.client.host):
        return refusal
    tries = work.tools.agency.confirmation.tries
    registration = await storage.count_try(work.connection, command.registration_id, tries)
    work.take_time()
    if registration is None or not _is_right(work, registration, command.token):
        return work.tools.hasher.dummy
    return registration.password_hash or work.tools.hasher.dummy


async def confirm(work: Work[Tools], command: Confirm) -> Tokens | Refusal:
    """Open the account and a first session, once, for the token of the mail and the password chosen when registering.

    Neither is enough: who registered somebody else's address knows the password and not the mail, and whoever reads the
    mail did not choose the password. Everything else is refused in the same words.
    """
    asked = command.confirmation
    registration = await storage.lock(work.connection, asked.registration_id)
    work.take_time()
    if (
        registration is None
        or not command.password_is_right
        or registration.password_hash != command.password_hash
        or not _is_right(work, registration, asked.token)
    ):
        return _refused(work, asked.registration_id, "confirmation_refused")
    return await _open(work, registration, asked.client) or _refused(
        work, asked.registration_id, "confirmation_refused"
    )


async def forget_unverified(work: Work[Tools], _: None) -> None:
    """Forget what people typed who never verified their address."""
    await storage.forget(work.connection, work.now - domain.KEPT_FOR, work.now)


async def _open(work: Work[Tools], registration: Registration, client: Client) -> Tokens | None:
    """Open the account and a first session; None where its address is somebody's by now."""
    person = await people.person(work.connection, registration.account_id)
    if await people.owner(work.connection, person.email_key) is not None:
        return None
    account = await _open_account(work, registration, person)
    await known_networks.remember(work, person.email_key, client.host)
    VERIFICATIONS.labels("opened").inc()
    return await open_session(work, account, client)


async def _open_account(work: Work[Tools], registration: Registration, person: PersonalFields) -> Account:
    assert registration.password_hash is not None  # it leaves only when the code is spent
    opening = Opening(registration.terms_version, registration.registered_at, registration.door)
    account = await open_account(work, person, opening, registration.password_hash)
    await storage.verified(work.connection, registration.registration_id, work.now)
    work.audit("account_opened", object_id=account.account_id, registration_id=str(registration.registration_id))
    return account


def _is_right(work: Work[Tools], registration: Registration, secret: str) -> bool:
    matches = work.tools.keyring.matches(registration.code_purpose, secret, registration.code_digest)
    return matches and registration.accepts_code(work.now)


def _refused(work: Work[Tools], registration_id: UUID, code: str) -> Refusal:
    work.audit("registration_code_refused", object_id=registration_id)
    VERIFICATIONS.labels("refused").inc()
    return Refusal(code)


async def _mail(work: Work[Tools], registration_id: UUID, person: PersonalFields) -> Mailed:
    accepted = _as_if_mailed(work, registration_id)
    owner = await people.owner(work.connection, person.email_key)
    delivery = Delivery(
        recipient_id=person.account_id,  # also if no account of this id ever opens
        delivery_id=work.new_id(),
        handle=accepted.delivery_handle,
        expires_at=accepted.expires_at,
        replaces=f"verification:{registration_id}",
    )
    work.publish(
        VerificationRequested(
            account_id=person.account_id,
            delivery_id=delivery.delivery_id,
            expires_at=delivery.expires_at,
        )
    )
    if owner is None:
        secret = _mail_secret(work, registration_id, delivery, person)
    else:  # to the address that the account has, in its owner's language: nothing in it is the caller's
        secret = codes.no_code()
        mailing.ask(work, AlreadyRegisteredMail, delivery, owner, mailing.to(owner))
    REGISTRATIONS.labels("code" if owner is None else "already_registered").inc()
    return Mailed(work.tools.keyring.digest(domain.code_purpose(registration_id), secret), accepted)


def _mail_secret(work: Work[Tools], registration_id: UUID, delivery: Delivery, person: PersonalFields) -> str:
    """Ask for the mail whose reader has the address. Returns what it proves that with."""
    if work.tools.agency.accounts.confirmation == "link":
        token = codes.new_token()
        carried = domain.in_link(registration_id, token)
        link = VerificationLinkContents(address=person.email, given_name=person.given_name, token=carried)
        mailing.ask(work, VerificationLinkMail, delivery, person, link, valid_until=delivery.expires_at)
        return token
    code = codes.new_code()
    minutes = work.tools.agency.limits.one_time_code.minutes
    contents = VerificationCodeContents(address=person.email, given_name=person.given_name, code=code)
    mailing.ask(work, VerificationCodeMail, delivery, person, contents, minutes=minutes)
    return code


def _as_if_mailed(work: Work[Tools], registration_id: UUID, expires_at: datetime | None = None) -> Accepted:
    """What the caller learns of a mail requested now; without `expires_at`, of a code made now."""
    policy = work.tools.agency.confirmation
    return Accepted(
        registration_id,
        codes.new_handle(),
        expires_at or work.now + policy.lifetime,
        work.now + timedelta(seconds=policy.resend_after_seconds),
    )


def _whole_seconds(duration: timedelta) -> int:
    return -(-duration // timedelta(seconds=1))
