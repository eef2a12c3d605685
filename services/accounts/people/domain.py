"""What an account is, and when two addresses are the same."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from email_validator import EmailNotValidError, validate_email

from chassis import states
from contracts.accounts import Person
from contracts.events import Code, Language

Status = Literal["active", "deactivated"]

DeactivatedBecause = Literal["closed", "by_agent", "never_linked"]
"""Its person closed it; an agent did, and the address stays taken; or nobody ever linked it to a file."""


@dataclass(frozen=True)
class PersonalFields:
    """What the person told about themselves; `email_key` is address_key(email).

    `portal`: at which of the agency's addresses they began, and links in mails lead; None: the first. `fields`: what
    else the agency asks, by code.
    """

    account_id: UUID
    email: str = field(repr=False)
    email_key: str = field(repr=False)
    given_name: str = field(repr=False)
    family_name: str = field(repr=False)
    language: Language
    portal: Code | None
    fields: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True)
class Account:
    """An open account. `version` is that of its state on accounts.people; `epoch` rises when every session ends.

    `unlinked_since`: since when it could have been linked and never was; None once it was. `door`: by which it was
    opened; None: by the agency's first. `erased_at`: since when nothing is known of its person.
    """

    account_id: UUID
    status: Status
    status_since: datetime
    deactivated_because: DeactivatedBecause | None
    epoch: int
    version: int
    terms_version: str
    terms_accepted_at: datetime
    opened_at: datetime
    unlinked_since: datetime | None
    door: str | None = None
    erased_at: datetime | None = None

    def following(self, now: datetime, **changes: Any) -> "Account":
        """The account after changes, under its next version."""
        return replace(self, version=max(states.version_at(now), self.version + 1), **changes)

    def state(self, person: PersonalFields) -> Person:
        """The whole latest state, for accounts.people."""
        return Person(
            account_id=self.account_id,
            version=self.version,
            status=self.status,
            status_since=self.status_since,
            epoch=self.epoch,
            email=person.email,
            given_name=person.given_name,
            family_name=person.family_name,
            language=person.language,
            door=self.door,
            portal=person.portal,
        )


def login_key(login: str) -> str:
    """What a login is found and counted by: an address, or a user name, which has no @, as it may be copied."""
    return address_key(login) if "@" in login else "".join(login.lower().replace("-", " ").split())


def address_key(address: str) -> str:
    """What addresses are compared by: without case, also before the @, where hosts that tell case apart are extinct.

    The domain counts as DNS spells it (IDNA 2008), so that ß and ss are two. Dots and +tags stay: what they mean
    differs from host to host. What is no address is compared as it is typed.
    """
    try:
        found = validate_email(address.strip(), check_deliverability=False, allow_smtputf8=False)
    except EmailNotValidError:
        return address.strip().lower()
    return (found.ascii_email or found.normalized).lower()
