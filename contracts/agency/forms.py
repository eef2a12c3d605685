"""forms.yaml: the forms of the service catalogue, their fields in words, and the attestations to tick."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from contracts.agency.links import Link
from contracts.agency.requests import Outcome, RequestKind
from contracts.agency.text import Coded, Policy, Text
from contracts.events import Code
from contracts.notifications import Feature

FormKind = Literal[
    "addition",
    "removal",
    "correction",
    "representation",
    "representation_end",
    "recertification",
    "decision",
    "invitation",
    "block",
    "unblock",
    "appointment",
    "release",
    "replacement",
    "mandate",
    "mandate_correction",
    "mandate_renewal",
    "mandate_revocation",
    "signature",
]


@dataclass(frozen=True, kw_only=True)
class KindOfForm:
    """What all forms of a kind have in common.

    `fields` are those that the HTTP bodies of its routes know (services/authorizations/forms/kinds.py says which
    routes); attestations and files are sent beside them, and whom or what the form is about stands in the path. Of a
    kind that is `attested` the statements are kept; the others change nothing that the agency's own file says.
    `with_files`: files may go with it. `for_managers`: who manages the organization uses it; `for_agents`: agents do,
    too or alone, for a reason wherever there is one to give; `for_delegates`: who is mandated does too. `needs` is what
    an agency must have for it to be of any use.
    """

    fields: frozenset[str] = frozenset()
    attested: bool = False
    with_files: bool = False
    for_managers: bool = True
    for_agents: bool = False
    for_delegates: bool = False
    needs: Feature | None = None


MANDATE_FIELDS = frozenset(
    {
        "delegate.family_name",
        "delegate.given_name",
        "delegate.email",
        "delegate.language",
        "service",
        "role",
        "starts_on",
        "ends_on",
        "language",
    }
)
"""What a mandate asks of who gives it: whom, for which service, as what, and from when to when."""

FORM_KINDS: Mapping[FormKind, KindOfForm] = {
    "addition": KindOfForm(
        fields=frozenset(
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
        attested=True,
        with_files=True,
    ),
    "removal": KindOfForm(fields=frozenset({"scope", "relations", "subjects"}), attested=True, with_files=True),
    "correction": KindOfForm(
        fields=frozenset(
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
        attested=True,
        with_files=True,
    ),
    "representation": KindOfForm(
        fields=frozenset({"other.kind", "other.number", "type", "starts_on", "ends_on", "subjects"}),
        attested=True,
        needs="representation",
    ),
    "representation_end": KindOfForm(fields=frozenset({"subjects"}), attested=True, needs="representation"),
    "recertification": KindOfForm(attested=True),
    "decision": KindOfForm(
        fields=frozenset(
            {
                "outcome",
                "reason",
                "contact_id",
                "access.type",
                "access.starts_on",
                "access.ends_on",
                "access.subjects",
                "access.subjects.starts_on",
                "access.subjects.ends_on",
            }
        ),
        for_agents=True,
    ),
    "invitation": KindOfForm(
        fields=frozenset({"email", "name", "language", "type", "starts_on", "ends_on", "subjects"}),
        needs="invitations",
    ),
    "block": KindOfForm(fields=frozenset({"contact_id", "account_id", "request_id", "reason"}), for_agents=True),
    "unblock": KindOfForm(for_agents=True),
    "appointment": KindOfForm(
        fields=frozenset({"contact_id", "subjects", "reason"}), for_agents=True, needs="administrators"
    ),
    "release": KindOfForm(fields=frozenset({"reason"}), for_agents=True, needs="administrators"),
    "replacement": KindOfForm(
        fields=frozenset({"successor_id", "request_id", "reason"}),
        for_managers=False,
        for_agents=True,
        needs="administrators",
    ),
    "mandate": KindOfForm(
        fields=frozenset({"questionnaire", "answers", *(f"mandates.{field}" for field in MANDATE_FIELDS)}),
        needs="mandates",
    ),
    "mandate_correction": KindOfForm(fields=MANDATE_FIELDS, needs="mandates"),
    "mandate_renewal": KindOfForm(fields=frozenset({"starts_on", "ends_on", "language"}), needs="mandates"),
    "mandate_revocation": KindOfForm(for_agents=True, for_delegates=True, needs="mandates"),
    "signature": KindOfForm(
        fields=frozenset({"proof", "token", "digest", "person.family_name", "person.given_name", "address_proof"}),
        attested=True,
        needs="mandates",
    ),
}
"""Each kind of form, once."""

OUTCOMES: Mapping[RequestKind, frozenset[Outcome]] = {
    "proposed_relation": frozenset({"approve", "reject", "return"}),
    "proposed_end": frozenset({"approve", "reject"}),
    "access_request": frozenset({"approve", "reject", "merge"}),
}
"""What can be decided of each kind of request that those who manage an organization decide: a form of kind decision is
about one of them."""

FIELD_OPTIONS: Mapping[str, frozenset[str]] = {
    "contact.language": frozenset({"fr", "en"}),
    "language": frozenset({"fr", "en"}),
    "delegate.language": frozenset({"fr", "en"}),
    "mandates.delegate.language": frozenset({"fr", "en"}),
    "mandates.language": frozenset({"fr", "en"}),
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
    "contacts",
    "requests",
    "reasons",
    "services",
    "roles",
]
"""Where the choices come from: `options` of the field itself, the agency's `reasons` for what the form does, or what
this profile has at that moment. `requests`: of people who ask for access and wait for an answer. `services`, `roles`:
what a mandate can be about, and as what somebody may be mandated."""

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
    "outcome_approve",
    "outcome_merge",
    "outcome_explained",
]
"""When a field is asked for: the contact does not exist yet, or does; the relation is to its own organization (as that
of a new contact always is), or to another one or an individual; a part of the relations or subjects is removed; a part
of a contact's file is corrected; a request is approved, or merged, or (explained) rejected or returned. Absent:
always."""

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

    code: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z_]*(\.[a-z][a-z_]*){0,2}$", max_length=80)]
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
    """A form; files may go with it where it says `attachments`. One of kind decision is about one kind of `request`.

    `who` may use it: those whose relation type manages the organization of the chosen profile, and agents where its
    kind is for them too; or agents alone.
    """

    kind: FormKind
    request: RequestKind | None = None
    category: Code
    title: Text
    help: Text
    link: Link | None = None
    who: Literal["manages", "agents"]
    fields: tuple[FormField, ...] = Field(default=(), max_length=50)
    attestations: tuple[Code, ...] = Field(default=(), max_length=10)
    attachments: bool = False

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Self:
        if (self.kind == "decision") != (self.request is not None):
            raise ValueError("a form of kind decision says which `request` it is about, and no other does")
        if self.request is not None and self.request not in OUTCOMES:
            raise ValueError(f"`request` is one of {', '.join(OUTCOMES)}")
        kind = FORM_KINDS[self.kind]
        if self.who != ("manages" if kind.for_managers else "agents"):
            alone = [name for name, found in FORM_KINDS.items() if not found.for_managers]
            raise ValueError(f"`who` is agents where the kind is {', '.join(alone)}, and only there")
        if self.attestations and not kind.attested:
            raise ValueError(f"nothing keeps attestations of a form of kind {self.kind}")
        if self.attachments and not kind.with_files:
            raise ValueError(f"no files go with a form of kind {self.kind}")
        return self


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
