"""linking.yaml: how a person links an account to a contact."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

from contracts.agency import placeholders
from contracts.agency.asked import AskedField
from contracts.agency.claiming import Capacity, Granted
from contracts.agency.organization_codes import AskedFields, PayrollQuestion
from contracts.agency.text import Coded, Policy, Text
from contracts.events import LANGUAGES, Language


def _showing(*offered: str) -> AfterValidator:
    """A text that may hold these placeholders and no others."""

    def checked(text: Text) -> Text:
        for language in LANGUAGES:
            for fault in placeholders.faults(text.in_(language), set(offered), "{name}"):
                raise ValueError(fault)
        return text

    return AfterValidator(checked)


INVITATION = "invitation"
CREDENTIAL = "credential"

WITHOUT_METHOD = frozenset({INVITATION, CREDENTIAL})
"""How links come about by no linking method of the data: events name these where they name a method else."""

Plain = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]{1,40}$")]
"""A word as names are compared."""


@dataclass(frozen=True)
class LinkedFile:
    """An organization whose file was linked, as the message names it."""

    name: str
    number: str


class CoordinatesFields(Policy):
    """The fields of POST /v1/links that linking coordinates have; how the agency calls its persons' numbers."""

    client_number: AskedField
    linking_code: AskedField


class FormerCredentialFields(Policy):
    """The fields of POST /v1/links that a former credential has."""

    user_name: AskedField
    password: AskedField


class LinkingCoordinates(Coded):
    """Client number and single-use linking code, both by mail (the guide, step 2).

    `code_valid_days`: days from issue to the last moment the code is taken. `fields` are the agency's words for what is
    asked. `success` is the message shown after linking; it may hold {organization} and {number}.
    """

    kind: Literal["linking_coordinates"]
    name: Text
    help: Text
    code_valid_days: int = Field(ge=1, le=365)
    fields: CoordinatesFields
    success: Annotated[Text, _showing("organization", "number")]

    def success_message(self, language: Language, linked: Sequence[LinkedFile]) -> str:
        """What the person reads after linking."""
        values = {"organization": linked[0].name, "number": linked[0].number}
        return placeholders.fill(self.success.in_(language), values)


class FormerCredential(Coded):
    """User name and password of the agency's old system, good once to link every file they stood for.

    `source`: `imported` hashes rest in linking until they are redeemed or the last day, `until`, is over; a `directory`
    that the agency runs is asked each time (a deployment's settings say where). `user_names`: whether capitals count.
    `passwords`: the encoding in which the old system hashed them. `fields` are the agency's words for what is asked.
    `success` may hold {organizations}: each name with its number.
    """

    until: date
    kind: Literal["former_credential"]
    name: Text
    help: Text
    source: Literal["imported", "directory"]
    user_names: Literal["exact", "any_case"]
    passwords: Literal["utf-8", "latin-1"] = "utf-8"
    fields: FormerCredentialFields
    success: Annotated[Text, _showing("organizations")]

    def success_message(self, language: Language, linked: Sequence[LinkedFile]) -> str:
        """What the person reads after linking."""
        organizations = "; ".join(f"{file.name} ({file.number})" for file in linked)
        return placeholders.fill(self.success.in_(language), {"organizations": organizations})


class OrganizationCode(Coded):
    """Name and number of an organization, and for its first person the code on its letter and its payroll.

    `digits` of a code. `legal_suffixes` at the end of a name, and `ignored_words` anywhere in it, do not count when
    names are compared; both are written without accents, capitals and punctuation. `fields` are the agency's words for
    what is asked. Who has proven it, where nobody manages the organization, is given `first`; everybody else asks those
    who do, or agents, as one of the `capacities`.
    """

    kind: Literal["organization_code"]
    name: Text
    help: Text
    digits: int = Field(ge=6, le=12)
    legal_suffixes: tuple[Plain, ...] = Field(max_length=100)
    ignored_words: tuple[Plain, ...] = Field(default=(), max_length=20)
    payroll: PayrollQuestion
    fields: AskedFields
    first: Granted
    capacities: tuple[Capacity, ...] = Field(min_length=1, max_length=10)

    def capacities_on(self, day: date) -> tuple[Capacity, ...]:
        """What a person may say to be on a day."""
        return tuple(capacity for capacity in self.capacities if capacity.in_force(day))


LinkingMethod = Annotated[LinkingCoordinates | FormerCredential | OrganizationCode, Field(discriminator="kind")]
"""One linking method. Further kinds join here."""


class Linking(Policy):
    """The file as a whole, in the order in which methods are offered."""

    methods: tuple[LinkingMethod, ...] = Field(max_length=20)
