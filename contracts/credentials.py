"""What authorizations tells accounts of a credential that a contact is to have: to whom each half of it goes."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from contracts.events import Code, Language, Version


class CredentialParty(BaseModel):
    """Somebody whom half of a credential goes to, at an address that is verified and theirs alone."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    email: str = Field(repr=False)
    given_name: str = Field(repr=False)
    family_name: str = Field(repr=False)
    language: Language
    portal: Code | None = None


class CredentialAddresses(BaseModel):
    """What accounts alone may read of a credential that is to be given: to whom, in whose name, and for which service.

    The user name goes to the professional, the temporary password to the delegate, whose account it is.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    delegate: CredentialParty
    professional: CredentialParty
    organization_name: str
    service: Code


CredentialHalf = Literal["user_name", "temporary_password"]
"""What a credential consists of; each half travels in a mail of its own, to another person."""


class ContactCredential(BaseModel):
    """A credential that the contact is to have. `addresses` are its CredentialAddresses, sealed to accounts.

    Only a rising `generation` makes accounts do anything. `halves`: which of them is to go out with this generation,
    where the one before has: both, or the one whose mail came back.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    generation: Version
    addresses: str = Field(repr=False)
    halves: tuple[CredentialHalf, ...] = ("user_name", "temporary_password")
