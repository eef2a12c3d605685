"""What the forms offer to one organization: those it may use, the fields they ask for, choices and defaults."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from contracts.agency import Agency, Text
from contracts.agency.catalogue import Subject
from contracts.agency.forms import ChoiceSource, Form, FormField, FormKind
from contracts.agency.links import Link
from contracts.agency.relations import RelationType
from services.authorizations.periods import FOREVER

BETWEEN_ORGANIZATIONS: frozenset[FormKind] = frozenset({"representation", "representation_end"})
OF_A_CONTACT: frozenset[FormKind] = frozenset({"addition", "removal", "correction"})


@dataclass(frozen=True)
class Choice:
    """One value of a field. `kinds`, where it depends on the organization acted for, are those that it exists for."""

    code: str
    label: Text
    help: Text | None = None
    link: Link | None = None
    kinds: Sequence[str] = ()
    why_not_delegable: Text | None = None


@dataclass(frozen=True)
class FieldAsked:
    """A field as it is asked for. `choices_at` is where choices stand that are too many, or change too often, to list.

    `default` is a code, or a date as forms write it.
    """

    field: FormField
    choices: Sequence[Choice]
    choices_at: str | None
    default: str | None


class Offer:
    """What the forms offer to an organization of a kind on a day."""

    def __init__(self, agency: Agency, organization_id: UUID, kind: str, today: date) -> None:
        self._agency, self._id, self._kind, self._today = agency, organization_id, kind, today
        types = [found for found in agency.relation_types.values() if found.in_force(today)]
        self._memberships = [t for t in types if t.shape == "membership" and kind in t.of_kinds]
        self._held = [t for t in types if t.shape == "representation" and kind in t.by_kinds]
        self._granted = [t for t in types if t.shape == "representation" and kind in t.of_kinds]
        self._clients = self._kinds(found.of_kinds for found in self._held)
        self._providers = self._kinds(found.by_kinds for found in self._granted)

    def forms(self) -> list[Form]:
        """The forms that such an organization has a use for, in the order of the agency's data."""
        return [
            form
            for form in self._agency.forms.values()
            if form.in_force(self._today)
            and (form.kind not in BETWEEN_ORGANIZATIONS or bool(self._held or self._granted))
        ]

    def contacts_at(self, form: Form) -> str | None:
        """Where the contacts stand that the form may be about; None when it is about no contact."""
        return f"/v1/organizations/{self._id}/contacts?active=true" if form.kind in OF_A_CONTACT else None

    def fields(self, form: Form) -> list[FieldAsked]:
        """The form's fields, without those whose case cannot come up."""
        return [
            FieldAsked(field, self._choices(form.kind, field), self._choices_at(form.kind, field), self._default(field))
            for field in form.fields
            if field.when != "other_organization" or self._clients
        ]

    def _choices(self, form: FormKind, field: FormField) -> Sequence[Choice]:
        listed: Mapping[tuple[FormKind, ChoiceSource | None], Callable[[], Iterable[Choice]]] = {
            ("addition", "relation_types"): lambda: map(_of_type, self._memberships),
            ("representation", "relation_types"): self._representations,
            ("representation", "organization_kinds"): self._other_kinds,
            ("addition", "subjects"): lambda: self._subjects([self._kind, *self._clients]),
            ("representation", "subjects"): lambda: self._subjects(
                [*self._clients, *([self._kind] if self._granted else [])]
            ),
        }
        found = listed.get((form, field.choices), lambda: self._options(field))
        return tuple(found())

    def _choices_at(self, form: FormKind, field: FormField) -> str | None:
        own = f"/v1/organizations/{self._id}"
        match field.choices:
            case "organizations" | "through_relations":
                return f"{own}/relations?active=true"
            case "relations":
                return "/v1/contacts/{contact_id}"
            case "subjects" if form == "removal":
                return "/v1/contacts/{contact_id}"
            case "subjects" if form == "representation_end":
                return f"{own}/authorizations?active=true"
            case _:
                return None

    def _default(self, field: FormField) -> str | None:
        return {"today": self._today.isoformat(), "no_end": FOREVER.isoformat()}.get(field.default or "", field.default)

    def _options(self, field: FormField) -> Iterable[Choice]:
        whom = {
            "own_organization",
            *("individual" if self._is_individual(k) else "other_organization" for k in self._clients),
        }
        for option in field.options:
            if field.code != "acted_for" or option.code in whom:
                yield Choice(option.code, option.label, option.help)

    def _representations(self) -> Iterable[Choice]:
        for found in self._agency.relation_types.values():
            if found in self._held or found in self._granted:
                yield _of_type(found, self._kinds([found.of_kinds]))

    def _other_kinds(self) -> Iterable[Choice]:
        for code in self._kinds([self._clients, self._providers]):
            yield Choice(code, self._agency.organization_kinds[code].name)

    def _subjects(self, acted_for: Sequence[str]) -> Iterable[Choice]:
        for subject in self._agency.subjects.values():
            if subject.in_force(self._today) and (kinds := [kind for kind in subject.kinds if kind in acted_for]):
                yield _of_subject(subject, kinds)

    def _kinds(self, several: Iterable[Iterable[str]]) -> list[str]:
        """The kinds in force among several lists of them, once each, in the order of the catalogue."""
        wanted = {kind for kinds in several for kind in kinds}
        known = self._agency.organization_kinds.items()
        return [code for code, kind in known if code in wanted and kind.in_force(self._today)]

    def _is_individual(self, kind: str) -> bool:
        return self._agency.organization_kinds[kind].individual


def _of_type(found: RelationType, kinds: Sequence[str] = ()) -> Choice:
    return Choice(found.code, found.label or found.name, found.permits, kinds=kinds)


def _of_subject(subject: Subject, kinds: Sequence[str]) -> Choice:
    return Choice(subject.code, subject.name, subject.help, subject.link, kinds, subject.why_not_delegable)
