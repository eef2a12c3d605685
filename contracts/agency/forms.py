"""forms.yaml: the forms of the service catalogue, their fields in words, and the attestations to tick."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from contracts.agency.links import Link
from contracts.agency.text import Coded, Policy, Text
from contracts.events import Code

FormKind = Literal["addition", "removal", "correction", "representation", "representation_end", "recertification"]

FORM_FIELDS: Mapping[FormKind, frozenset[str]] = {
    "addition": frozenset(
        {
            "contact.family_name",
            "contact.given_name",
            "contact.email",
            "contact.telephones",
            "contact.language",
            "client_number",
            "acted_for",
            "type",
            "starts_on",
            "ends_on",
            "subjects",
            "organization_id",
            "through",
        }
    ),
    "removal": frozenset({"scope", "relations", "subjects"}),
    "correction": frozenset(
        {
            "parts",
            "language",
            "email",
            "telephones",
            "telephones.kind",
            "family_name",
            "given_name",
            "relations.relation_id",
            "relations.ends_on",
            "new_linking_code",
        }
    ),
    "representation": frozenset({"other.kind", "other.number", "type", "starts_on", "ends_on", "subjects"}),
    "representation_end": frozenset({"subjects"}),
    "recertification": frozenset(),
}
"""The fields that the HTTP bodies of each kind know: POST …/contacts and …/relations, POST …/removals, PATCH
/v1/contacts/{id}, POST /v1/organizations/{id}/relations and /v1/relations/{id}/rights, POST /v1/relations/{id}/end;
POST /v1/organizations/{id}/recertification has none.
Attestations are sent beside them; the contact concerned stands in the path."""

FIELD_OPTIONS: Mapping[str, frozenset[str]] = {
    "contact.language": frozenset({"fr", "en"}),
    "language": frozenset({"fr", "en"}),
    "telephones.kind": frozenset({"mobile", "work", "home", "other"}),
    "acted_for": frozenset({"own_organization", "other_organization", "individual"}),
    "parts": frozenset({"coordinates", "personal_information", "relation_end"}),
    "scope": frozenset({"all", "relations", "subjects"}),
}
"""The values of the fields that offer a fixed choice; a form words each of them."""

FieldKind = Literal["text", "email", "telephones", "date", "choice", "choices", "box"]

ChoiceSource = Literal[
    "options",
    "relation_types",
    "subjects",
    "organizations",
    "organization_kinds",
    "through_relations",
    "relations",
]
"""Where the choices come from: `options` of the field itself, or what this profile has at that moment."""

FormCase = Literal[
    "new_contact",
    "known_contact",
    "own_organization",
    "other_organization",
    "scope_relations",
    "scope_subjects",
    "part_coordinates",
    "part_personal_information",
    "part_relation_end",
]
"""When a field is asked for: the contact does not exist yet, or does; the relation is to its own organization (as that
of a new contact always is), or to another one or an individual; a part of the relations or subjects is removed; a part
of a contact's file is corrected. Absent: always."""

DATE_DEFAULTS = frozenset({"today", "no_end"})
"""The first day that a form can have, and the one that means that no end is planned (9999-12-31)."""


class Category(Coded):
    """A category of the service catalogue."""

    name: Text


class Attestation(Policy):
    """A statement that a person ticks; kept with its version, text, person and time.

    Words are never changed in place: the old version gets `until`, a new version stands beside it.
    """

    code: Code
    version: int = Field(ge=1, le=10_000)
    text: Text
    until: date | None = None


class Option(Policy):
    """One value of a fixed choice, in words."""

    code: Code
    label: Text
    help: Text | None = None


class Territory(Policy):
    """Where a telephone may be, and the country code of its numbers (ITU-T E.164)."""

    calling_code: Annotated[str, StringConstraints(pattern=r"^\+[1-9][0-9]{0,2}$")]
    name: Text


class FormField(Policy):
    """One field: `code` is its path in the HTTP body; `required` counts where it is asked for at all.

    `default` is what the form shows at first: the code of an option, or for a date one of DATE_DEFAULTS.
    """

    code: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z_]*(\.[a-z][a-z_]*)?$", max_length=80)]
    label: Text
    help: Text | None = None
    link: Link | None = None
    kind: FieldKind
    required: bool
    when: FormCase | None = None
    choices: ChoiceSource | None = None
    default: Code | None = None
    options: tuple[Option, ...] = Field(default=(), max_length=50)
    territories: tuple[Territory, ...] = Field(default=(), max_length=300)

    @model_validator(mode="after")
    def _choices_fit(self) -> Self:
        if self.territories and self.kind != "telephones":
            raise ValueError("`territories` are listed where the kind is telephones, and only there")
        if (self.kind in ("choice", "choices")) != (self.choices is not None):
            raise ValueError("a field of kind choice or choices says in `choices` where they come from, no other does")
        if (self.choices == "options") != bool(self.options):
            raise ValueError("`options` are listed where `choices` is options, and only there")
        possible = DATE_DEFAULTS if self.kind == "date" else {option.code for option in self.options}
        if self.default is not None and (self.kind == "choices" or self.default not in possible):
            raise ValueError("`default` is one of the field's options, or for a date `today` or `no_end`")
        return self


class Form(Coded):
    """A form; files may go with it where it says `attachments`.

    `who` may use it: those whose relation type manages the organization of the chosen profile.
    """

    kind: FormKind
    category: Code
    title: Text
    help: Text
    link: Link | None = None
    who: Literal["manages"]
    fields: tuple[FormField, ...] = Field(default=(), max_length=50)
    attestations: tuple[Code, ...] = Field(default=(), max_length=10)
    attachments: bool = False


AttachmentFormat = Literal["pdf", "jpeg", "png"]


class AttachmentRule(Policy):
    """Files that go with a form.

    `largest_bytes` of one file, which is held in memory while it is checked and encrypted; `most` of one form. One that
    no form has named vanishes after `unused_hours`; one that was named is kept for `keep_days`, for agents alone.
    """

    largest_bytes: int = Field(ge=1024, le=20 * 1024**2)
    most: int = Field(ge=1, le=20)
    unused_hours: int = Field(ge=1, le=168)
    keep_days: int = Field(ge=1, le=3660)


class Forms(Policy):
    """The file as a whole."""

    attachment_rule: AttachmentRule

    categories: tuple[Category, ...] = Field(min_length=1, max_length=20)
    attestations: tuple[Attestation, ...] = Field(max_length=200)
    forms: tuple[Form, ...] = Field(min_length=1, max_length=50)
