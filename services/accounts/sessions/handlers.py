"""Signing in, staying signed in, signing out."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from uuid import UUID

from chassis import tokens as revocations
from chassis.outcomes import Next, Refusal
from chassis.work import Work
from contracts.accounts import SessionsRevoked
from contracts.tokens import AUDIENCE, UNTIL_TERMS_ARE_ACCEPTED
from services.accounts import attempts
from services.accounts.metrics import REFRESHES, SIGN_INS
from services.accounts.networks import handlers as known_networks
from services.accounts.people import handlers as people_handlers
from services.accounts.people import storage as people
from services.accounts.people.domain import Account, login_key
from services.accounts.people.handlers import OwnAccount
from services.accounts.sessions import domain, storage
from services.accounts.sessions.domain import Session, Use
from services.accounts.signals import handlers as signals
from services.accounts.tokens import storage as keys
from services.accounts.tools import Client, Tools

Reason = Literal["signed_out_everywhere", "password_reset", "email_change_undone", "account_deactivated"]


@dataclass(frozen=True)
class Tokens:
    """What a person signed in with holds. Until the terms in force are accepted, accounts alone takes the token."""

    account_id: UUID
    terms_current: bool
    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)


@dataclass(frozen=True)
class Attempt:
    """Somebody is about to try a password."""

    login: str = field(repr=False)
    client: Client

    @property
    def host(self) -> str:
        """The network address from which it is tried."""
        return self.client.host


@dataclass(frozen=True)
class Candidate:
    """Whose password the one presented must be; without an account, a dummy's, so that the work is the same.

    `temporary_until`: it is one that works once, until then.
    """

    account_id: UUID | None
    password_hash: str = field(repr=False)
    temporary_until: datetime | None = None


@dataclass(frozen=True)
class SignIn:
    """The outcome of comparing the password, outside any transaction."""

    attempt: Attempt
    candidate: Candidate
    password_is_right: bool


@dataclass(frozen=True)
class Refresh:
    """A refresh token as presented, and by whom."""

    refresh_token: str = field(repr=False)
    client: Client


@dataclass(frozen=True)
class SignOut:
    """The caller wants one of their sessions to end."""

    account_id: UUID
    session_id: UUID


async def count_attempt(work: Work[Tools], command: Attempt) -> Candidate | Refusal:
    """Count the attempt before any work, on what was typed and on the network, known or not."""
    key = login_key(command.login)
    refusal = await attempts.by_network(work, "sign_in", command.host) or await attempts.by_address(
        work, "sign_in", key, command.host
    )
    if refusal:
        SIGN_INS.labels("limited").inc()
        return refusal
    known = await people.signing_in(work.connection, key)
    if known is None:
        return Candidate(None, work.tools.hasher.dummy)
    return Candidate(known.account_id, known.password_hash, known.temporary_until)


async def sign_in(work: Work[Tools], command: SignIn) -> Tokens | Refusal:
    """Open a session, or refuse in the same words whatever was wrong.

    A temporary password opens none: whoever has it chooses a lasting one first.
    """
    account = await _account(work, command.candidate) if command.password_is_right else None
    if account is None or account.status != "active":
        return refuse(work, command.candidate)
    await let_in(work, command.attempt)
    if command.candidate.temporary_until is not None:
        return refuse_temporary(work, command.candidate) or Refusal(
            "password_to_change", next=Next("choose_first_password", "/v1/first-sign-ins")
        )
    SIGN_INS.labels("opened").inc()
    return await open_session(work, account, command.attempt.client)


def refuse(work: Work[Tools], candidate: Candidate) -> Refusal:
    """In the same words whatever was wrong."""
    work.audit("sign_in_refused", object_id=candidate.account_id)
    SIGN_INS.labels("refused").inc()
    return Refusal("sign_in_refused")


def refuse_temporary(work: Work[Tools], candidate: Candidate) -> Refusal | None:
    """Whoever knows a temporary password that is over is told so, and how to come by another."""
    if candidate.temporary_until is None or work.now < candidate.temporary_until:
        return None
    work.audit("sign_in_refused", object_id=candidate.account_id, reason="temporary_password_expired")
    SIGN_INS.labels("refused").inc()
    return Refusal("temporary_password_expired", next=Next("ask_for_password", "/v1/password-resets"))


async def let_in(work: Work[Tools], attempt: Attempt) -> None:
    """Forget the failures of a login of which somebody knew the password, and remember from which network."""
    key = login_key(attempt.login)
    await attempts.forgive(work, "sign_in", key, attempt.host)
    await known_networks.remember(work, key, attempt.host)


async def open_session(work: Work[Tools], account: Account, client: Client) -> Tokens:
    """A session, with its first pair of tokens, for a person who has just proved who they are."""
    session = Session(
        session_id=work.new_id(),
        account_id=account.account_id,
        epoch=account.epoch,
        opened_at=work.now,
        last_used_at=work.now,
        expires_at=work.now + domain.LONGEST,
        ended_at=None,
    )
    await storage.insert(work.connection, session)
    refresh_token = domain.first_refresh_token()
    await storage.insert_token(work.connection, domain.digest(refresh_token), session.session_id, work.now)
    work.audit("session_opened", object_id=session.session_id, account_id=str(account.account_id))
    await signals.see(work, account.account_id, client)
    await signals.count_sessions(work, account.account_id)
    return await _tokens(work, account, session, refresh_token)


async def refresh(work: Work[Tools], command: Refresh) -> Tokens | Refusal:
    """Exchange a refresh token for the next pair. A copy used by somebody else ends the session, and that commits."""
    presented = domain.digest(command.refresh_token)
    successors = {domain.digest(one): one for one in domain.successors(work.tools.keyring, command.refresh_token)}
    session = await storage.lock_by_token(work.connection, presented)
    now = work.take_time()
    if session is None or not session.live(now):
        REFRESHES.labels("refused").inc()
        return Refusal("session_ended")
    account = await people.account(work.connection, session.account_id)
    await signals.see(work, session.account_id, command.client)
    token = await storage.token(work.connection, presented, list(successors))
    match domain.use_of(token, now):
        case Use.FIRST:
            digest, following = next(iter(successors.items()))
            await storage.use_token(work.connection, presented, now)
            await storage.insert_token(work.connection, digest, session.session_id, now)
            await storage.used(work.connection, session.session_id, now)
            REFRESHES.labels("rotated").inc()
            return await _tokens(work, account, session, following)
        case Use.RETRY:
            REFRESHES.labels("repeated").inc()
            assert token.successor is not None
            return await _tokens(work, account, session, successors[token.successor])
        case Use.TOO_LATE:
            REFRESHES.labels("refused").inc()
            return Refusal("session_ended")
        case Use.REUSE:
            await _end(work, session, "refresh_token_reused")
            REFRESHES.labels("reused").inc()
            return Refusal("session_ended")


async def list_sessions(work: Work[Tools], account_id: UUID) -> list[Session]:
    """The caller's own sessions that have not ended, the newest first."""
    return await storage.live(work.connection, account_id, work.now)


async def sign_out(work: Work[Tools], command: SignOut) -> Refusal | None:
    """End one of the caller's own sessions; ending it again changes nothing."""
    session = await storage.lock(work.connection, command.session_id)
    if session is None or session.account_id != command.account_id:
        return Refusal("not_found")
    work.take_time()
    if session.ended_at is None:
        await _end(work, session, "signed_out")
    return None


async def sign_out_everywhere(work: Work[Tools], account_id: UUID) -> None:
    """End every session of the caller's."""
    own = await people_handlers.lock(work, account_id)
    await people_handlers.keep(work, OwnAccount(await end_all(work, own.account, "signed_out_everywhere"), own.person))


async def end_all(work: Work[Tools], account: Account, reason: Reason) -> Account:
    """End every session of an account that is locked. Returns it with its next epoch, to be kept with other changes.

    Access tokens of the epoch before are refused here at once, and elsewhere with the event.
    """
    ended = account.following(work.now, epoch=account.epoch + 1)
    await storage.end_all(work.connection, account.account_id, work.now)
    await revocations.revoke(work.connection, account.account_id, None, ended.epoch)
    work.publish(SessionsRevoked(account_id=account.account_id, session_id=None, epoch=ended.epoch, reason=reason))
    work.audit("sessions_ended", object_id=account.account_id, reason=reason)
    return ended


async def _account(work: Work[Tools], candidate: Candidate) -> Account | None:
    if candidate.account_id is None:
        return None
    return await people.account_with_password(work.connection, candidate.account_id, candidate.password_hash)


async def _end(work: Work[Tools], session: Session, reason: Literal["signed_out", "refresh_token_reused"]) -> None:
    """Over: here at once, because this transaction also writes what our own gateway reads; elsewhere by the event."""
    await storage.end(work.connection, session.session_id, work.now)
    await revocations.revoke(work.connection, session.account_id, session.session_id, session.epoch)
    work.publish(
        SessionsRevoked(
            account_id=session.account_id, session_id=session.session_id, epoch=session.epoch, reason=reason
        )
    )
    work.audit("session_ended", object_id=session.session_id, account_id=str(session.account_id), reason=reason)


async def _tokens(work: Work[Tools], account: Account, session: Session, refresh_token: str) -> Tokens:
    key = await keys.signing(work.connection, work.now)
    current = account.terms_version == work.tools.agency.terms.version
    audience = AUDIENCE if current else UNTIL_TERMS_ARE_ACCEPTED
    access_token = work.tools.signer.for_person(key, session, audience, work.now, work.new_id())
    return Tokens(account.account_id, current, access_token, refresh_token)
