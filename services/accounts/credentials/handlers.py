"""A contact is given a credential: an account of its own, each half of the credential in a mail to somebody else."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

from chassis.outcomes import Poison, Transient
from chassis.work import Work
from contracts.accounts import NO_TERMS, CredentialDeliveries, CredentialIssued, EmailChanged
from contracts.agency.mandates import MandateCredentials
from contracts.authorizations import Contact
from contracts.credentials import CredentialAddresses, CredentialHalf, CredentialParty
from contracts.notifications import (
    Contents,
    TemporaryPasswordContents,
    TemporaryPasswordMail,
    UserNameContents,
    UserNameMail,
)
from services.accounts import codes, mailing
from services.accounts.credentials import storage
from services.accounts.credentials.storage import Given
from services.accounts.email_changes import storage as email_changes
from services.accounts.hashing import Hasher
from services.accounts.mailing import Delivery
from services.accounts.metrics import CREDENTIALS
from services.accounts.opening import Opening, open_account
from services.accounts.password_resets import storage as resets
from services.accounts.people import handlers as people
from services.accounts.people import storage as people_storage
from services.accounts.people.domain import Account, PersonalFields, address_key
from services.accounts.people.handlers import OwnAccount
from services.accounts.sessions.handlers import end_all
from services.accounts.tools import Tools

BOTH: tuple[CredentialHalf, ...] = ("user_name", "temporary_password")


@dataclass(frozen=True)
class Drawn:
    """A temporary password that nobody has yet, and its hash."""

    temporary_password: str = field(repr=False)
    password_hash: str = field(repr=False)


@dataclass(frozen=True)
class Order:
    """A credential that a contact is to have, as this service reads it."""

    contact: Contact
    generation: int
    halves: Sequence[CredentialHalf]
    addresses: CredentialAddresses
    drawn: Drawn
    rules: MandateCredentials

    def valid_until(self, now: datetime) -> datetime:
        """When a temporary password stops working that is given now."""
        return now + timedelta(hours=self.rules.password_hours)


async def draw(hasher: Hasher) -> Drawn:
    """A temporary password with its hash: what `issue_anew` is given, drawn with nothing locked.

    Raises Transient when too many others wait to hash.
    """
    password = codes.new_temporary_password()
    try:
        return Drawn(password, await hasher.hash(codes.temporary_as_typed(password)))
    except TimeoutError:
        raise Transient("too many passwords wait to be hashed") from None


async def follow_contacts(work: Work[Tools], states: Sequence[Contact]) -> None:
    """Give contacts the credentials that they are to have; most have none to get, and are passed over.

    Only a rising generation does anything, once, whatever came before or comes after.
    """
    for state in states:
        if state.credential is None:
            continue
        if state.credential.generation <= await storage.generation(work.connection, state.contact_id):
            continue
        rules = work.tools.agency.mandates
        if rules is None:
            raise Poison("the agency's data have no mandates, and so no credentials")
        addresses = work.tools.sealer.open(state.credential.addresses, CredentialAddresses)
        # The one hash that a transaction waits for: so far it holds no lock but the message's own.
        drawn = await draw(work.tools.hasher)
        order = Order(state, state.credential.generation, state.credential.halves, addresses, drawn, rules.credentials)
        await _give(work, order)


async def issue_anew(work: Work[Tools], own: OwnAccount, drawn: Drawn) -> UUID:
    """Give an account with a user name, which is locked, another temporary password. Returns the mail's delivery.

    The password that it had works no more. It goes to the account's own address, and to nobody else.
    """
    rules = work.tools.agency.mandates
    assert rules is not None  # else no account had a user name
    until = work.now + timedelta(hours=rules.credentials.password_hours)
    await _set_temporary(work, own.person.account_id, drawn, until)
    contents = TemporaryPasswordContents(
        address=own.person.email, given_name=own.person.given_name, temporary_password=drawn.temporary_password
    )
    delivery = _delivery(work, own.person.account_id, until, f"temporary_password:{own.person.account_id}")
    mailing.ask(work, TemporaryPasswordMail, delivery, own.person, contents, valid_until=until)
    work.audit("temporary_password_issued", object_id=own.person.account_id)
    return delivery.delivery_id


async def _give(work: Work[Tools], order: Order) -> None:
    """Give what the order says to the account that is the contact's, or that has the delegate's address; else open one.

    Of two that open an account for one address at once, or of one and a registration, the second collides, is run
    again, and finds the address taken. An account that is known here is kept as it is; any other was opened by whoever
    once read the mailbox, and needs both halves from now on.
    """
    contact_id = order.contact.contact_id
    before = await storage.lock(work.connection, contact_id)
    if order.generation <= before.generation:
        return
    owner = await _owner(work, address_key(order.addresses.delegate.email))
    given = await _waiting(work, before.account_id)
    if owner is not None and (given is None or given.account.account_id != owner.account.account_id):
        await _void_unless_of_others(work, given, contact_id)
        if await _is_known(work, owner.account):
            await _issued(work, order, owner.account.account_id, kept=True)
        else:
            await _take_over(work, order, owner)
    elif given is not None:
        halves = order.halves if order.generation == before.generation + 1 else BOTH
        await _give_again(work, order, given, halves)
    elif before.account_id is not None and await _has_user(work, before.account_id):
        await _issued(work, order, before.account_id, kept=True)
    else:
        await _open(work, order)


async def _owner(work: Work[Tools], email_key: str) -> OwnAccount | None:
    """Whose account has the address, locked: looked for again where it was given away meanwhile."""
    owner = await people_storage.owner(work.connection, email_key)
    if owner is None:
        return None
    own = await people.lock(work, owner.account_id)
    still = await people_storage.owner(work.connection, email_key)
    return own if still is not None and still.account_id == owner.account_id else await _owner(work, email_key)


async def _is_known(work: Work[Tools], account: Account) -> bool:
    """Whether the account was linked to a file or given a user name; one that is closed is an agent's to judge."""
    if account.unlinked_since is None or account.status != "active":
        return True
    return await storage.user_name_of(work.connection, account.account_id) is not None


async def _take_over(work: Work[Tools], order: Order, own: OwnAccount) -> None:
    """Give an account that anybody may have opened, which is locked, both halves: what opened it opens it no more.

    Whoever opened it keeps neither a session, nor a link that undoes a change of address, nor the name they gave. The
    terms are as they were.
    """
    account_id, delegate = own.account.account_id, order.addresses.delegate
    person = replace(own.person, given_name=delegate.given_name, family_name=delegate.family_name)
    await people_storage.change_person(work.connection, person)
    await email_changes.close_from(work.connection, account_id, own.account.opened_at, work.now)
    ended = await end_all(work, own.account, "password_reset")
    await people.keep(work, OwnAccount(ended, person))
    await _give_name(work, order, account_id, "account_taken_over")


async def _waiting(work: Work[Tools], account_id: UUID | None) -> OwnAccount | None:
    """The account, locked, while nobody has chosen a password of its own yet."""
    if account_id is None or not await storage.is_waiting(work.connection, account_id):
        return None
    own = await people.lock(work, account_id)
    still = own.account.status == "active" and await storage.is_waiting(work.connection, account_id)
    return own if still else None


async def _has_user(work: Work[Tools], account_id: UUID) -> bool:
    """Whether somebody signs in to the account, or would if no agent had closed it."""
    account = await people_storage.account(work.connection, account_id)
    return account.status == "active" or account.deactivated_because == "by_agent"


async def _void_unless_of_others(work: Work[Tools], given: OwnAccount | None, contact_id: UUID) -> None:
    """What was on its way to somebody who turns out to have another account works no more."""
    if given is None or await storage.is_of_others(work.connection, given.account.account_id, contact_id):
        return
    await people_storage.set_password(work.connection, given.account.account_id, work.tools.hasher.dummy)


async def _open(work: Work[Tools], order: Order) -> None:
    delegate = order.addresses.delegate
    person = PersonalFields(
        account_id=work.new_id(),
        email=delegate.email,
        email_key=address_key(delegate.email),
        given_name=delegate.given_name,
        family_name=delegate.family_name,
        language=delegate.language,
        portal=delegate.portal,
        fields={},
    )
    account_id = person.account_id
    await people_storage.insert_person(work.connection, person)
    opening = Opening(NO_TERMS, work.now, _door(work, order.contact))
    await open_account(work, person, opening, work.tools.hasher.dummy)
    await _give_name(work, order, account_id, "account_opened")


async def _give_name(work: Work[Tools], order: Order, account_id: UUID, action: str) -> None:
    """Give the account a user name and a temporary password, each in its mail."""
    user_name = codes.new_user_name(order.rules.user_name)
    await storage.name(work.connection, account_id, user_name)
    await _set_temporary(work, account_id, order.drawn, order.valid_until(work.now))
    work.audit(action, object_id=account_id, contact_id=str(order.contact.contact_id))
    deliveries = CredentialDeliveries(
        to_professional=_mail_user_name(work, order, user_name),
        to_delegate=_mail_temporary_password(work, order, account_id),
    )
    await _issued(work, order, account_id, kept=False, deliveries=deliveries)


async def _give_again(work: Work[Tools], order: Order, own: OwnAccount, halves: Sequence[CredentialHalf]) -> None:
    """Send those halves again to where they are to go now: a password is always another, and the old one is void."""
    account_id = own.account.account_id
    deliveries = CredentialDeliveries()
    if "temporary_password" in halves:
        await _correct_address(work, own, order.addresses.delegate)
        await _set_temporary(work, account_id, order.drawn, order.valid_until(work.now))
        deliveries = deliveries.model_copy(update={"to_delegate": _mail_temporary_password(work, order, account_id)})
    if "user_name" in halves:
        user_name = await storage.user_name_of(work.connection, account_id)
        assert user_name is not None
        deliveries = deliveries.model_copy(update={"to_professional": _mail_user_name(work, order, user_name)})
    await _issued(work, order, account_id, kept=False, deliveries=deliveries)


async def _correct_address(work: Work[Tools], own: OwnAccount, delegate: CredentialParty) -> None:
    """The account, which nobody has signed in to, has the address that its person is reached at."""
    key = address_key(delegate.email)
    if key == own.person.email_key:
        return
    person = replace(own.person, email=delegate.email, email_key=key)
    await people_storage.change_address(work.connection, person.account_id, person.email, person.email_key)
    work.publish(EmailChanged(account_id=person.account_id, undone=False))
    work.audit("email_corrected", object_id=person.account_id)
    await people.keep(work, OwnAccount(own.account.following(work.now), person))


async def _set_temporary(work: Work[Tools], account_id: UUID, drawn: Drawn, until: datetime) -> None:
    await people_storage.set_password(work.connection, account_id, drawn.password_hash, until)
    await resets.close(work.connection, account_id, work.now)


async def _issued(
    work: Work[Tools],
    order: Order,
    account_id: UUID,
    *,
    kept: bool,
    deliveries: CredentialDeliveries | None = None,
) -> None:
    contact = order.contact
    await storage.keep(work.connection, contact.contact_id, Given(order.generation, account_id))
    work.publish(
        CredentialIssued(
            account_id=account_id,
            contact_id=contact.contact_id,
            organization_id=contact.organization_id,
            generation=order.generation,
            kept=kept,
            issued_at=work.now,
            deliveries=deliveries or CredentialDeliveries(),
        )
    )
    work.audit(
        "credential_issued",
        organization_id=contact.organization_id,
        object_id=account_id,
        contact_id=str(contact.contact_id),
        generation=order.generation,
        kept=kept,
    )
    CREDENTIALS.labels("kept" if kept else "issued").inc()


def _mail_user_name(work: Work[Tools], order: Order, user_name: str) -> UUID:
    """Ask for the mail to the professional. Returns its delivery."""
    contact_id, professional = order.contact.contact_id, order.addresses.professional
    delivery = _delivery(work, contact_id, order.valid_until(work.now), f"user_name:{contact_id}")
    contents = UserNameContents(
        address=professional.email,
        given_name=professional.given_name,
        user_name=user_name,
        delegate_name=_name(order.addresses.delegate),
    )
    _ask(work, UserNameMail, delivery, professional, contents, order)
    return delivery.delivery_id


def _mail_temporary_password(work: Work[Tools], order: Order, account_id: UUID) -> UUID:
    """Ask for the mail to the delegate. Returns its delivery."""
    until, delegate = order.valid_until(work.now), order.addresses.delegate
    delivery = _delivery(work, account_id, until, f"temporary_password:{account_id}")
    contents = TemporaryPasswordContents(
        address=delegate.email,
        given_name=delegate.given_name,
        temporary_password=order.drawn.temporary_password,
        professional_name=_name(order.addresses.professional),
    )
    _ask(work, TemporaryPasswordMail, delivery, delegate, contents, order, valid_until=until)
    return delivery.delivery_id


def _ask(
    work: Work[Tools],
    mail: type[UserNameMail] | type[TemporaryPasswordMail],
    delivery: Delivery,
    reader: CredentialParty,
    contents: Contents,
    order: Order,
    **shown: datetime,
) -> None:
    addresses = order.addresses
    about = {"organization_name": addresses.organization_name, "service": addresses.service}
    mailing.ask(work, mail, delivery, reader, contents, **about, **shown)


def _delivery(work: Work[Tools], recipient_id: UUID, expires_at: datetime, purpose: str) -> Delivery:
    """A mail that is of use until then, in the place of an older one of its purpose that has not gone out yet."""
    return Delivery(
        recipient_id=recipient_id,
        delivery_id=work.new_id(),
        handle=codes.new_handle(),
        expires_at=expires_at,
        replaces=purpose,
        priority="normal",
    )


def _name(party: CredentialParty) -> str:
    return f"{party.given_name} {party.family_name}"


def _door(work: Work[Tools], contact: Contact) -> str | None:
    """The door of those with the contact's functions; without an issuer, where its person could sign in elsewhere."""
    functions = {function.type for function in contact.functions}
    doors = [door for door in work.tools.agency.accounts.doors if door.issuer is None]
    return next((door.code for door in doors if functions <= set(door.relation_types)), None)
