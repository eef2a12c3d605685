"""Exchanging what a door's issuer says of a person for a session here; the first time an account opens."""

from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from chassis.outcomes import Refusal
from chassis.work import Work
from contracts.agency.accounts import Door
from services.accounts import attempts
from services.accounts.doors import domain, storage
from services.accounts.doors.domain import Identity
from services.accounts.metrics import SIGN_INS
from services.accounts.opening import Opening, open_account
from services.accounts.people import storage as people
from services.accounts.people.domain import Account, PersonalFields, address_key
from services.accounts.sessions.handlers import Tokens, open_session
from services.accounts.tools import Client, Tools

KEPT_FOR = timedelta(hours=1)  # a spent ID token past its end, which clocks and leeway make fuzzy


@dataclass(frozen=True)
class Attempt:
    """Somebody at `host` brings an ID token to a door."""

    door: str
    host: str = field(repr=False)


@dataclass(frozen=True)
class SignIn:
    """What the door's issuer said, verified; None: nothing that holds. `terms_version` is the one that was shown."""

    door: Door
    identity: Identity | None
    terms_version: str | None
    client: Client


async def admit(work: Work[Tools], command: Attempt) -> Door | Refusal:
    """Count the attempt before any work. The door, if it is one whose people another issuer signs in."""
    refusal = await attempts.by_network(work, "sign_in", command.host)
    return refusal or domain.with_issuer(work.tools.agency, command.door, work.today)


async def sign_in(work: Work[Tools], command: SignIn) -> Tokens | Refusal:
    """Open a session, and the first time the account. An ID token does so once.

    A person's address is the one that the issuer verified when the account opened; one that another account has is
    refused, because mails and links would mix two people up.
    """
    identity = command.identity
    if identity is None:
        return _refused(work, None)
    known, current = await _account(work, identity), work.tools.agency.terms.version
    if known is None and command.terms_version != current:
        return Refusal("terms_not_current", {"current": current}, fields=("terms_version",))
    if not await storage.spend(work.connection, identity):
        return _refused(work, known.account_id if known else None)
    work.take_time()
    account = known or await _open(work, command.door, identity)
    if isinstance(account, Refusal):
        return account
    if account.status != "active" or account.door != command.door.code:
        return _refused(work, account.account_id)
    SIGN_INS.labels("opened").inc()
    return await open_session(work, account, command.client)


async def forget(work: Work[Tools], _: None) -> None:
    """Forget ID tokens that would be refused by their age alone."""
    await storage.forget(work.connection, work.now - KEPT_FOR)


async def _account(work: Work[Tools], identity: Identity) -> Account | None:
    """The person's account. None: there is none yet, or the one there was lapsed, and another one opens."""
    account_id = await storage.account_of(work.connection, identity)
    account = await people.account(work.connection, account_id) if account_id else None
    return None if account is not None and account.deactivated_because == "never_linked" else account


async def _open(work: Work[Tools], door: Door, identity: Identity) -> Account | Refusal:
    person = PersonalFields(
        account_id=work.new_id(),
        email=identity.email,
        email_key=address_key(identity.email),
        given_name=identity.given_name,
        family_name=identity.family_name,
        language=identity.language,
        portal=None,
        fields={},
    )
    if await people.owner(work.connection, person.email_key) is not None:
        opened_meanwhile = await _account(work, identity)  # by another first sign-in of this person, a moment ago
        return opened_meanwhile or Refusal("address_of_another_account", fields=("id_token",))
    await people.insert_person(work.connection, person)
    opening = Opening(work.tools.agency.terms.version, work.now, door.code)
    account = await open_account(work, person, opening, work.tools.hasher.dummy)
    await storage.keep(work.connection, identity, account.account_id)
    work.audit("account_opened", object_id=account.account_id, door=door.code)
    return account


def _refused(work: Work[Tools], account_id: UUID | None) -> Refusal:
    work.audit("sign_in_refused", object_id=account_id)
    SIGN_INS.labels("refused").inc()
    return Refusal("sign_in_refused")
