"""linking.yaml: how a person links an account to a contact."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from contracts.agency import placeholders
from contracts.agency.text import Coded, Policy, Text
from contracts.events import LANGUAGES, Language


def _success(text: Text) -> Text:
    for language in LANGUAGES:
        for fault in placeholders.faults(text.in_(language), {"organization", "number"}, "{name}"):
            raise ValueError(fault)
    return text


class LinkingCoordinates(Coded):
    """Client number and single-use linking code, both by mail (CCQ's guide, step 2).

    `code_valid_days`: days from issue to the last moment the code is taken. `success` is the message shown
    after linking; it may hold {organization} and {number}.
    """

    kind: Literal["linking_coordinates"]
    name: Text
    help: Text
    code_valid_days: int = Field(ge=1, le=365)
    success: Annotated[Text, AfterValidator(_success)]

    def success_message(self, language: Language, organization: str, number: str) -> str:
        """What the person reads after linking."""
        return placeholders.fill(self.success.in_(language), {"organization": organization, "number": number})


LinkingMethod = LinkingCoordinates
"""One linking method. Further kinds (former credential, organization code, professional number) join as
`Annotated[LinkingCoordinates | FormerCredential, Field(discriminator="kind")]`; it wants two."""


class Linking(Policy):
    """The file as a whole, in the order in which methods are offered."""

    methods: tuple[LinkingMethod, ...] = Field(min_length=1, max_length=20)
