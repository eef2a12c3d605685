"""accounts.yaml: by which doors one comes to an account, and how long what is unsettled about one stays so."""

from datetime import date
from typing import Literal, Self

from pydantic import Field, model_validator

from contracts.agency.forms import Option
from contracts.agency.profile import TokenIssuer
from contracts.agency.text import Coded, Policy, Text
from contracts.events import Code


class Door(Coded):
    """By which door somebody comes to an account (the guide: the page to sign in, and its "Accès réservé").

    `for_whom` says so wherever an account can be asked for. An account is linked only to files of persons whose
    functions are among the door's `relation_types`: memberships, each of which belongs to one door. With an `issuer`
    people do not register: they sign in there, and accounts takes its ID token (OpenID Connect Core 1.0, section 2).
    """

    name: Text
    for_whom: Text
    relation_types: tuple[Code, ...] = Field(min_length=1, max_length=50)
    issuer: TokenIssuer | None = None


class UnlinkedAccounts(Policy):
    """An account that was never linked to a file lapses; both in days, counted from its opening.

    Its person is told by mail `notice_days` before, and has that long in any case.
    """

    lapse_after_days: int = Field(ge=2, le=3650)
    notice_days: int = Field(ge=1, le=365)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.notice_days >= self.lapse_after_days:
            raise ValueError("`notice_days` must be less than `lapse_after_days`")
        return self


class EmailChanges(Policy):
    """`undo_days`: how long the former address, with the password of before, may take its account back."""

    undo_days: int = Field(ge=1, le=90)


RegistrationFieldKind = Literal["text", "telephone", "choice"]
"""How a field is filled in: a line of text; a number with its country code (ITU-T E.164); one of its options."""


class RegistrationField(Coded):
    """Something that whoever registers says of themselves, beside name, address and language."""

    kind: RegistrationFieldKind
    required: bool
    label: Text
    help: Text | None = None
    options: tuple[Option, ...] = Field(default=(), max_length=100)

    @model_validator(mode="after")
    def _options_fit(self) -> Self:
        if (self.kind == "choice") != bool(self.options):
            raise ValueError("`options` are listed where the kind is choice, and only there")
        return self


class Accounts(Policy):
    """The file as a whole. The first door is the one of whoever names none.

    `confirmation`: whoever registers proves to have the address by a code that the mail shows, typed where they began;
    or by a link, whose page asks for the password that they chose. Without `unlinked_accounts` an account needs no
    link to a file: one that was never linked stays.
    """

    doors: tuple[Door, ...] = Field(min_length=1, max_length=10)
    confirmation: Literal["code", "link"]
    registration_fields: tuple[RegistrationField, ...] = Field(default=(), max_length=20)
    unlinked_accounts: UnlinkedAccounts | None = None
    email_changes: EmailChanges

    def fields_on(self, day: date) -> tuple[RegistrationField, ...]:
        """The fields that are asked for on a day, in order."""
        return tuple(field for field in self.registration_fields if field.in_force(day))
