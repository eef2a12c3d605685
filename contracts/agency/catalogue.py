"""catalogue.yaml: the kinds of organizations, and the subjects one may be authorized for."""

from typing import Literal, Self

from pydantic import Field, model_validator

from contracts.agency.links import Link
from contracts.agency.text import Coded, Policy, Text
from contracts.events import Code

Scope = Literal["organization", "self"]


class OrganizationKind(Coded):
    """A kind of organization; (kind, number) is unique. For example: clients, firms that act for them, individuals.

    `individual`: one person with a number of its own, whom others may act for ("un individu" on the guide's forms).
    `has_code`: each active one has a secret on paper, by which its first person claims it.
    """

    name: Text
    individual: bool = False
    has_code: bool = False


class Subject(Coded):
    """What a right is about ("sujet autorisé"): an online service or a part of the file.

    `kinds` are the organization kinds whose own file has the subject: the ceiling of what a membership there,
    or a relation acting for such an organization, can hold. A subject of scope self is about the person alone
    and has no kinds. A subject that is not delegable says why and what to do instead (the guide,
    "Limitation actuelle": the client adds the person as its own contact). `link` leads to the article that says more.
    """

    name: Text
    help: Text
    link: Link | None = None
    scope: Scope
    kinds: tuple[Code, ...] = Field(default=(), max_length=20)
    delegable: bool
    why_not_delegable: Text | None = None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if (self.scope == "organization") != bool(self.kinds):
            raise ValueError("a subject of scope organization names its `kinds`, one of scope self has none")
        if self.delegable == (self.why_not_delegable is not None):
            raise ValueError("`why_not_delegable` is required where `delegable` is false, and only there")
        return self


class Catalogue(Policy):
    """The file as a whole."""

    organization_kinds: tuple[OrganizationKind, ...] = Field(min_length=1, max_length=50)
    subjects: tuple[Subject, ...] = Field(min_length=1, max_length=500)
