"""matching.yaml: when two files look like one person, and how much each likeness says."""

from typing import Annotated, Literal, Self, get_args

from pydantic import Field, model_validator

from contracts.agency.text import Policy
from contracts.events import Code

ContactField = Literal["family_name", "given_name", "email", "telephones"]
CONTACT_FIELDS: tuple[ContactField, ...] = get_args(ContactField)

Weight = Annotated[float, Field(ge=-20, le=20)]
"""Evidence in bits (Fellegi and Sunter, 1969): how many times likelier it is, as a power of two, among files of one
person than among files of two."""


class ComparedField(Policy):
    """What agreement in one field says.

    `kind` is how values are compared: a name or text forgives typing errors, accents and missing parts; digits forgive
    one wrong or two swapped; an e-mail a slip in its domain; an identifier nothing. What one of the files lacks says
    nothing.
    """

    code: Code
    kind: Literal["text", "digits", "email", "identifier"]
    equal: Weight
    close: Weight = 0
    different: Weight

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.different <= self.close <= self.equal:
            raise ValueError("`different`, `close` and `equal` must rise")
        return self


class Matching(Policy):
    """Two files look like one person when the sum of their evidence reaches `threshold`.

    `same_organization` is added where both are of one organization. `swapped` names pairs of fields that people
    confuse; two values found in each other's place cost `swapped_costs`.
    """

    threshold: Weight
    same_organization: Weight = 0
    fields: Annotated[tuple[ComparedField, ...], Field(min_length=1, max_length=20)]
    swapped: tuple[tuple[Code, Code], ...] = ()
    swapped_costs: Annotated[float, Field(ge=0, le=20)] = 1

    @model_validator(mode="after")
    def _known(self) -> Self:
        codes = [field.code for field in self.fields]
        if len(set(codes)) < len(codes):
            raise ValueError("a field is named twice")
        if strangers := {code for pair in self.swapped for code in pair} - set(codes):
            raise ValueError(f"`swapped` names what is no field here: {', '.join(sorted(strangers))}")
        return self
