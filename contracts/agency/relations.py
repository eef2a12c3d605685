"""relations.yaml: how somebody may stand to an organization."""

from typing import Literal, Self

from pydantic import Field, model_validator

from contracts.agency.text import Coded, Policy, Text
from contracts.events import Code

Shape = Literal["membership", "delegation", "representation"]
"""membership: a contact and its own organization. representation: an organization acting for another.
delegation: a contact acting for another organization through its own organization's representation."""


class RelationType(Coded):
    """A type of relation.

    `name` is the function that lists show; `label` is how the list of relations words a representation,
    between the organization acted for and its holder. `of_kinds` are the kinds of organizations acted for,
    `by_kinds` those of the holder, which only a representation has. `manages`: a member of this type may
    manage contacts and relations of its organization (the guide: "personnes responsables,
    administratrices, dirigeantes"). `permits` says to whoever chooses a type what its members may do.
    """

    shape: Shape
    name: Text
    label: Text | None = None
    permits: Text | None = None
    of_kinds: tuple[Code, ...] = Field(min_length=1, max_length=20)
    by_kinds: tuple[Code, ...] = Field(default=(), max_length=20)
    manages: bool = False

    @model_validator(mode="after")
    def _fits_shape(self) -> Self:
        if (self.shape == "representation") != bool(self.by_kinds):
            raise ValueError("a representation names its `by_kinds`, no other shape does")
        if (self.shape == "representation") != (self.label is not None):
            raise ValueError("a representation has a `label`, no other shape does")
        if self.manages and self.shape != "membership":
            raise ValueError("only a membership can manage an organization")
        return self


class Relations(Policy):
    """The file as a whole; where an organization acts for another, one type not retired has the shape delegation."""

    relation_types: tuple[RelationType, ...] = Field(min_length=1, max_length=100)
