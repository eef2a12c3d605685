"""Personal fields: plain data."""

from collections.abc import Sequence
from dataclasses import dataclass

from contracts.authorizations import Telephone
from contracts.events import Code, Language


@dataclass(frozen=True)
class Personal:
    """The personal fields of a contact, as a form or an import gives them; of an account, also where it began.

    `door` is the one of the agency's by which the account was opened; None: the first.
    """

    family_name: str
    given_name: str
    email: str | None
    telephones: Sequence[Telephone]
    language: Language
    portal: Code | None = None
    door: Code | None = None


@dataclass(frozen=True)
class PersonalChange:
    """What the personal fields of a contact shall say; None leaves a field as it is."""

    family_name: str | None = None
    given_name: str | None = None
    email: str | None = None
    telephones: Sequence[Telephone] | None = None
    language: Language | None = None


@dataclass(frozen=True)
class Named:
    """What an owner is called: an organization by its legal name, a person by two names; the others are empty.

    All are empty once a person has been erased.
    """

    legal_name: str
    family_name: str
    given_name: str


@dataclass(frozen=True)
class PersonName:
    """How a person is named; both None once the person has been erased."""

    family_name: str | None
    given_name: str | None
