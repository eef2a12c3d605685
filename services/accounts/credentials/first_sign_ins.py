"""The first sign-in with a temporary password: its person chooses a lasting one, and accepts the terms of use."""

from dataclasses import dataclass, field

from chassis.outcomes import Refusal
from chassis.work import Work
from contracts.accounts import TermsAccepted
from services.accounts import codes, passwords
from services.accounts.credentials import storage
from services.accounts.metrics import SIGN_INS
from services.accounts.people import handlers as people
from services.accounts.people import storage as people_storage
from services.accounts.people.domain import Account
from services.accounts.people.handlers import OwnAccount
from services.accounts.sessions.handlers import SignIn, Tokens, let_in, open_session, refuse, refuse_temporary
from services.accounts.terms import storage as terms
from services.accounts.tools import Tools


@dataclass(frozen=True)
class FirstSignIn:
    """The outcome of comparing a temporary password; the new one is acceptable to anybody, normalized and hashed.

    `is_the_old_one`: what was chosen is the temporary password once more.
    """

    sign_in: SignIn
    new_password: str = field(repr=False)
    password_hash: str = field(repr=False)
    is_the_old_one: bool
    terms_version: str


def is_same(new_password: str, temporary_password: str) -> bool:
    """Whether a password that was chosen is the temporary one, however it is written."""
    return codes.temporary_as_typed(new_password) == codes.temporary_as_typed(temporary_password)


async def first_sign_in(work: Work[Tools], command: FirstSignIn) -> Tokens | Refusal:
    """Use the temporary password up, keep the chosen one and the accepted terms, and open a session: all or nothing.

    Whatever was wrong with login and password is refused in the words of any sign-in, and so is a password that is
    none of ours that work once. A password made of the person's own words is refused only to who has the temporary one.
    """
    candidate = command.sign_in.candidate
    own = await _own(work, command.sign_in)
    if own is None or candidate.temporary_until is None:
        return refuse(work, candidate)
    await let_in(work, command.sign_in.attempt)
    if refusal := refuse_temporary(work, candidate) or await _refuse_choice(work, command, own):
        return refusal
    await people_storage.set_password(work.connection, own.account.account_id, command.password_hash)
    account = await _accept_terms(work, own.account)
    await people.keep(work, OwnAccount(account, own.person))
    work.audit("first_signed_in", object_id=account.account_id)
    SIGN_INS.labels("opened").inc()
    return await open_session(work, account, command.sign_in.attempt.client)


async def _own(work: Work[Tools], sign_in: SignIn) -> OwnAccount | None:
    """The account, ours until the transaction ends, if its password was right and still is the same."""
    candidate = sign_in.candidate
    if not sign_in.password_is_right or candidate.account_id is None:
        return None
    own = await people.lock(work, candidate.account_id)
    same = await people_storage.password_hash(work.connection, candidate.account_id) == candidate.password_hash
    return own if same and own.account.status == "active" else None


async def _refuse_choice(work: Work[Tools], command: FirstSignIn, own: OwnAccount) -> Refusal | None:
    agency, person = work.tools.agency, own.person
    if command.terms_version != agency.terms.version:
        return Refusal("terms_not_current", {"current": agency.terms.version}, fields=("terms_version",))
    user_name = await storage.user_name_of(work.connection, person.account_id)
    about = (person.email, person.given_name, person.family_name, user_name or "")
    length = agency.limits.password
    if command.is_the_old_one:
        bounds = {"minimum": length.minimum, "maximum": length.maximum}
        return Refusal("password_refused", bounds, fields=("new_password",))
    return passwords.refusal(agency, command.new_password, *about)


async def _accept_terms(work: Work[Tools], account: Account) -> Account:
    current = work.tools.agency.terms.version
    if account.terms_version == current:
        return account.following(work.now)
    accepted = account.following(work.now, terms_version=current, terms_accepted_at=work.now)
    await terms.insert_acceptance(work.connection, accepted)
    work.publish(TermsAccepted(account_id=account.account_id, terms_version=current))
    work.audit("terms_accepted", object_id=account.account_id, terms_version=current)
    return accepted
