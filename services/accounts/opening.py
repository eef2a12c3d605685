"""An account opens, whichever way its person came: by a verified address, or by a door's issuer."""

from dataclasses import dataclass
from datetime import datetime

from chassis import states
from chassis.work import Work
from contracts.accounts import NO_TERMS, AccountOpened, EmailVerified
from services.accounts.people import storage as people
from services.accounts.people.domain import Account, PersonalFields
from services.accounts.terms import storage as terms
from services.accounts.tools import Tools


@dataclass(frozen=True)
class Opening:
    """Which terms the person accepted, and when; by which door they came, None for the agency's first.

    NO_TERMS: none yet, because the account opens without its person, who accepts them before anything else.
    """

    terms_version: str
    terms_accepted_at: datetime
    door: str | None


async def open_account(work: Work[Tools], person: PersonalFields, opening: Opening, password_hash: str) -> Account:
    """Open the account of a person whose fields are kept already, and tell of it. Who calls audits why.

    For a second account of one address, a UniqueViolation: the use case runs again, and finds the address taken.
    """
    account = Account(
        account_id=person.account_id,
        status="active",
        status_since=work.now,
        deactivated_because=None,
        epoch=0,
        version=states.version_at(work.now),
        terms_version=opening.terms_version,
        terms_accepted_at=opening.terms_accepted_at,
        opened_at=work.now,
        unlinked_since=work.now,
        door=opening.door,
    )
    await people.open_account(work.connection, account, password_hash)
    if account.terms_version != NO_TERMS:
        await terms.insert_acceptance(work.connection, account)
    work.publish(EmailVerified(account_id=account.account_id))
    work.publish(AccountOpened(account_id=account.account_id, terms_version=account.terms_version))
    work.publish(account.state(person))
    return account
