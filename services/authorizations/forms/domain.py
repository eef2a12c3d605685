"""What the forms offer to one organization, or to an agent: those it may use, their fields, choices and defaults."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

from contracts.agency import Agency, Text
from contracts.agency.catalogue import Subject
from contracts.agency.forms import FORM_KINDS, ChoiceSource, Form, FormField, FormKind
from contracts.agency.links import Link
from contracts.agency.mandates import MandatedService
from contracts.agency.relations import RelationType
from contracts.agency.requests import Outcome, RequestKind
from services.authorizations.forms.kinds import USES
from services.authorizations.periods import FOREVER

OF_A_REPRESENTATION: frozenset[RequestKind] = frozenset({"proposed_relation", "proposed_end"})
"""Kinds of requests that the organization acted for decides."""


@dataclass(frozen=True)
class Choice:
    """One value of a field. `kinds`, where it depends on the organization acted for, are those that it exists for.

    `outcomes`, of a decision's reason, are those that it may be given for; `services`, of a role, those for which
    somebody may be mandated in it.
    """

    code: str
    label: Text
    help: Text | None = None
    link: Link | None = None
    kinds: Sequence[str] = ()
    why_not_delegable: Text | None = None
    outcomes: Sequence[Outcome] = ()
    services: Sequence[str] = ()


@dataclass(frozen=True)
class FieldAsked:
    """A field as it is asked for. `choices_at` is where choices stand that are too many, or change too often, to list.

    `default` is a code, or a date as forms write it.
    """

    field: FormField
    choices: Sequence[Choice]
    choices_at: str | None
    default: str | None
    required: bool


class Offer:
    """What the forms offer on a day to those who manage an organization of a kind; to an agent without one.

    An agent's choices are those of every kind of organization, each with its `kinds`.
    """

    def __init__(self, agency: Agency, organization_id: UUID | None, kind: str | None, today: date) -> None:
        self._agency, self._id, self._today = agency, organization_id, today
        self._own = self._kinds([agency.organization_kinds]) if kind is None else [kind]
        types = [found for found in agency.relation_types.values() if found.in_force(today)]
        self._memberships = [t for t in types if t.shape == "membership" and self._is_own(t.of_kinds)]
        self._held = [t for t in types if t.shape == "representation" and self._is_own(t.by_kinds)]
        self._granted = [t for t in types if t.shape == "representation" and self._is_own(t.of_kinds)]
        self._clients = self._kinds(found.of_kinds for found in self._held)
        self._providers = self._kinds(found.by_kinds for found in self._granted)

    def forms(self) -> list[Form]:
        """The forms that such an organization, or an agent, has a use for, in the order of the agency's data."""
        return [form for form in self._agency.forms.values() if form.in_force(self._today) and self._uses(form)]

    def sent_to(self, form: Form) -> list[str]:
        """Method and path of the routes that take the form."""
        return [self._at(route) for route in USES[form.kind].sent_to]

    def about_at(self, form: Form) -> str | None:
        """Where that is listed which the form may be about: contacts, requests, blocks; None when it is about none."""
        if form.request is not None:
            return self._waiting(form.request)
        listed_at = USES[form.kind].about_at
        return None if listed_at is None else self._at(listed_at)

    def _waiting(self, kind: RequestKind) -> str:
        """Where the requests of a kind are listed that wait: with the organization, or for an agent whoever decides."""
        if self._for_agents:
            return f"/v1/requests?organization_id={{organization_id}}&kind={kind}"
        return self._at(f"/v1/organizations/{{organization_id}}/requests?kind={kind}&state=submitted")

    def fields(self, form: Form) -> list[FieldAsked]:
        """The form's fields, without those whose case cannot come up. An agent must give a reason."""
        return [
            FieldAsked(
                field=field,
                choices=self._choices(form, field),
                choices_at=self._choices_at(form.kind, field),
                default=self._default(field),
                required=field.required or (self._for_agents and field.choices == "reasons"),
            )
            for field in form.fields
            if field.when != "other_organization" or self._clients
        ]

    @property
    def _for_agents(self) -> bool:
        return self._id is None

    def _uses(self, form: Form) -> bool:
        if self._for_agents:
            return FORM_KINDS[form.kind].for_agents
        if form.request in OF_A_REPRESENTATION:
            return bool(self._granted)
        if USES[form.kind].between_organizations:
            return bool(self._held or self._granted)
        return FORM_KINDS[form.kind].for_managers

    def _is_own(self, kinds: Iterable[str]) -> bool:
        return any(kind in self._own for kind in kinds)

    def _at(self, path: str) -> str:
        """A path of the organization's own; an agent fills in which."""
        return path if self._id is None else path.replace("{organization_id}", str(self._id))

    def _choices(self, form: Form, field: FormField) -> Sequence[Choice]:
        giving = [kind for kind, use in USES.items() if use.gives_function]
        listed: Mapping[tuple[FormKind, ChoiceSource | None], Callable[[], Iterable[Choice]]] = {
            **dict.fromkeys(((kind, "relation_types") for kind in giving), self._functions),
            **dict.fromkeys(((kind, "subjects") for kind in giving), lambda: self._subjects(self._own)),
            ("appointment", "subjects"): lambda: self._subjects(self._own),
            ("addition", "subjects"): lambda: self._subjects([*self._own, *self._clients]),
            ("representation", "relation_types"): self._representations,
            ("representation", "organization_kinds"): self._other_kinds,
            ("representation", "subjects"): lambda: self._subjects(
                [*self._clients, *(self._own if self._granted else [])]
            ),
        }
        if field.choices == "reasons":
            return tuple(self._reasons(form))
        if field.choices == "services":
            return tuple(self._services())
        if field.choices == "roles":
            return tuple(self._roles())
        found = listed.get((form.kind, field.choices), lambda: self._options(field))
        return tuple(found())

    def _functions(self) -> Iterable[Choice]:
        for found in self._memberships:
            yield _of_type(found, [kind for kind in found.of_kinds if kind in self._own] if self._for_agents else ())

    def _reasons(self, form: Form) -> Iterable[Choice]:
        if form.request is not None:
            for found in self._agency.reasons_to_decide(form.request, self._today):
                yield Choice(found.code, found.name, outcomes=found.outcomes)
        if (act := USES[form.kind].act) is not None:
            for reason in self._agency.reasons_to(act, self._today):
                yield Choice(reason.code, reason.name)

    def _choices_at(self, form: FormKind, field: FormField) -> str | None:
        own = self._at("/v1/organizations/{organization_id}")
        match field.choices:
            case "organizations" | "through_relations":
                return f"{own}/relations?active=true"
            case "contacts":
                return f"{own}/contacts?active=true"
            case "requests":
                return self._waiting("access_request")
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

    def _services(self) -> Iterable[Choice]:
        for service in self._mandated:
            yield _of_subject(self._agency.subjects[service.subject], [])

    def _roles(self) -> Iterable[Choice]:
        for found in self._memberships:
            if services := [service.subject for service in self._mandated if found.code in service.roles]:
                yield replace(_of_type(found), services=services)

    @property
    def _mandated(self) -> Sequence[MandatedService]:
        """What a mandate may be about today, in an organization like this one."""
        mandates = self._agency.mandates
        own = {subject.code for kind in self._own for subject in self._agency.ceiling(kind, self._today)}
        return [service for service in mandates.services if service.subject in own] if mandates else []

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
