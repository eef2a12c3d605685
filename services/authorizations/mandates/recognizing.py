"""Whom a delegate is known as already: a contact of the organization, an account."""

from uuid import UUID

from chassis.work import Work
from services.authorizations.addresses import domain as addresses
from services.authorizations.addresses.domain import Named
from services.authorizations.addresses.handlers import accounts_of
from services.authorizations.contacts import storage as contacts
from services.authorizations.mandates import storage
from services.authorizations.mandates.domain import AskedMandate, Mandate
from services.authorizations.personal.domain import Personal
from services.authorizations.personal.storage import descriptions
from services.authorizations.statuses import last_status
from services.authorizations.tools import Tools


def same_mailbox(work: Work[Tools], one: str | None, other: str | None) -> bool:
    """Whether both lead to one mailbox, by the rules of the agency's data."""
    assert work.tools.agency.mandates is not None
    rules = work.tools.agency.mandates.addresses
    return one is not None and other is not None and addresses.same_mailbox(rules, one, other)


async def is_of(work: Work[Tools], mandate: Mandate, person: Personal) -> bool:
    """Whether a mandate is of a person, by both names and the mailbox that was described or verified."""
    persons = await descriptions(work.connection, [mandate.request_id, mandate.delegate.side_id])
    return any(
        (known.family_name, known.given_name) == (person.family_name, person.given_name)
        and same_mailbox(work, known.email, person.email)
        for known in persons.values()
    )


async def contact_of(
    work: Work[Tools], organization_id: UUID, asked: AskedMandate, mandate: Mandate, delegate: Personal
) -> UUID | None:
    """The delegate's contact: of the mandate that is renewed, by account, by names and mailbox, a linked one first.

    That of the renewed mandate, whatever address was given since: its link went to the one that was verified then.
    """
    if asked.renews is not None:
        renewed = await storage.get(work.connection, asked.renews)
        described = (await descriptions(work.connection, [mandate.request_id])).get(mandate.request_id)
        if described is not None and renewed is not None and await is_of(work, renewed, described):
            held_by = renewed.contact_id
            if held_by is None or not await contacts.is_erased(work.connection, held_by):
                return held_by
    if mandate.delegate.account_id is not None:
        found = await contacts.of_account(work.connection, organization_id, mandate.delegate.account_id)
        if found is not None and not await contacts.is_erased(work.connection, found):
            return found
    for contact in await contacts.namesakes(work.connection, organization_id, delegate):
        if same_mailbox(work, contact.email, delegate.email):
            return contact.contact_id
    return None


async def is_closed(work: Work[Tools], mandate: Mandate, contact_id: UUID | None, delegate: Personal) -> bool:
    """Whether the delegate has an account, but none that is active: the contact's, the signer's, or one so called."""
    own = await contacts.account_of(work.connection, contact_id) if contact_id is not None else None
    accounts = [account for account in (own, mandate.delegate.account_id) if account is not None]
    if accounts:
        return any([await last_status(work.connection, account_id) is False for account_id in accounts])
    found = await _accounts(work, delegate)
    return bool(found) and not any(account.is_active for account in found)


async def spelled(work: Work[Tools], delegate: Personal) -> str | None:
    """The delegate's address, as an account of theirs spells it: by another spelling accounts would not find it."""
    active = [account.email for account in await _accounts(work, delegate) if account.is_active]
    return delegate.email if delegate.email in active or not active else active[0]


async def _accounts(work: Work[Tools], delegate: Personal) -> list[Named]:
    if delegate.email is None:
        return []
    return await accounts_of(work, delegate.email, delegate.family_name, delegate.given_name)
