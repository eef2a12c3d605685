"""One agency's data as a whole, ready to be consulted."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Literal

from contracts.agency.accounts import Accounts, Door
from contracts.agency.campaigns import Campaign
from contracts.agency.catalogue import OrganizationKind, Subject
from contracts.agency.claiming import Capacity
from contracts.agency.files import Document, Fault, FaultyFiles
from contracts.agency.forms import AttachmentRule, Attestation, Category, Form, FormKind
from contracts.agency.help import Help
from contracts.agency.letters import Letter
from contracts.agency.limits import ConfirmationLink, Limits, OneTimeCode
from contracts.agency.linking import LinkingMethod, OrganizationCode
from contracts.agency.mails import MailTemplates
from contracts.agency.managing import Act, Managing, ManagingReason
from contracts.agency.mandates import Mandates
from contracts.agency.matching import Matching
from contracts.agency.misuse import Misuse, MisuseReason
from contracts.agency.notices import Notices
from contracts.agency.profile import AgencyProfile, Terms
from contracts.agency.questionnaires import Questionnaire
from contracts.agency.relations import RelationType
from contracts.agency.requests import DecisionReason, RequestKind, Requests
from contracts.agency.retention import Retention
from contracts.notifications import Feature
from contracts.problems import Texts

CodeKind = Literal[
    "organization_kinds",
    "subjects",
    "relation_types",
    "linking_methods",
    "capacities",
    "campaigns",
    "forms",
    "attestations",
    "decision_reasons",
    "managing_reasons",
    "questionnaires",
    "misuse_reasons",
    "doors",
    "portals",
]

_KEY_IN_FILE: Mapping[CodeKind, str] = {
    "linking_methods": "methods",
    "capacities": "methods",
    "decision_reasons": "reasons",
    "managing_reasons": "reasons",
    "misuse_reasons": "reasons",
}


@dataclass(frozen=True, eq=False)
class Agency:
    """What one deployment obeys. Mappings go by code, in the order of the file, retired entries included.

    `terms` is the version in force, `terms_versions` every one that people may have accepted.
    `attestations` holds the newest version of each code, `attestation_versions` every (code, version).
    `texts` are the platform's, in the agency's own words where it has some.
    `mandates` is None where nobody mandates anybody.
    `mails` holds the kinds that the agency words: all that it can cause. `features` is what it does not do without.
    `version` is a digest of the files: it changes with any of them and says under which data something was
    decided.
    """

    folder: Path
    version: str
    profile: AgencyProfile
    terms: Terms
    terms_versions: Mapping[str, Terms]
    accounts: Accounts
    doors: Mapping[str, Door]
    organization_kinds: Mapping[str, OrganizationKind]
    subjects: Mapping[str, Subject]
    relation_types: Mapping[str, RelationType]
    linking_methods: Mapping[str, LinkingMethod]
    campaigns: Mapping[str, Campaign]
    limits: Limits
    matching: Matching
    requests: Requests
    managing: Managing
    managing_reasons: Mapping[str, ManagingReason]
    mandates: Mandates | None
    questionnaires: Mapping[str, Questionnaire]
    misuse: Misuse
    misuse_reasons: Mapping[str, MisuseReason]
    notices: Notices
    retention: Retention
    decision_reasons: Mapping[str, DecisionReason]
    categories: Mapping[str, Category]
    forms: Mapping[str, Form]
    attachment_rule: AttachmentRule
    help: Help
    texts: Texts
    attestations: Mapping[str, Attestation]
    attestation_versions: Mapping[tuple[str, int], Attestation]
    mails: Mapping[str, MailTemplates]
    features: frozenset[Feature]
    letters: Mapping[str, Letter]
    documents: Mapping[CodeKind, Document]

    def __repr__(self) -> str:
        """Which one: what it holds fills pages."""
        return f"Agency({self.profile.code}, {self.version})"

    @cached_property
    def delegation_type(self) -> RelationType | None:
        """The one type of delegations that is not retired; None where no organization acts for another."""
        return next((t for t in self.relation_types.values() if t.shape == "delegation" and t.until is None), None)

    @cached_property
    def _subjects_by_kind(self) -> Mapping[str, tuple[Subject, ...]]:
        return {
            kind: tuple(subject for subject in self.subjects.values() if kind in subject.kinds)
            for kind in self.organization_kinds
        }

    def ceiling(self, organization_kind: str, day: date) -> tuple[Subject, ...]:
        """The subjects that can be held for an organization of this kind on `day`, in order."""
        return tuple(s for s in self._subjects_by_kind[organization_kind] if s.in_force(day))

    @cached_property
    def capacities(self) -> Mapping[str, Capacity]:
        """What people say to be in organizations that they claim, by code, of every method and retired ones too."""
        methods = (method for method in self.linking_methods.values() if isinstance(method, OrganizationCode))
        return {capacity.code: capacity for method in methods for capacity in method.capacities}

    @property
    def confirmation(self) -> OneTimeCode | ConfirmationLink:
        """How long what proves the address of a registration works, and how often it may be tried or sent again."""
        link = self.limits.confirmation_link if self.accounts.confirmation == "link" else None
        return link or self.limits.one_time_code

    @property
    def first_door(self) -> Door:
        """The door of whoever names none."""
        return self.accounts.doors[0]

    def functions_of_door(self, code: str | None) -> Collection[str]:
        """The functions of the persons for whom a door is; of the first one for None, and none for an unknown code."""
        door = self.first_door if code is None else self.doors.get(code)
        return door.relation_types if door else ()

    def form(self, kind: FormKind, day: date) -> Form | None:
        """The form of this kind that may be sent on `day`."""
        return next((form for form in self.forms.values() if form.kind == kind and form.in_force(day)), None)

    def reasons_to(self, act: Act, day: date) -> Sequence[ManagingReason]:
        """The reasons that may be given on `day` for doing this to somebody, in order."""
        return tuple(r for r in self.managing_reasons.values() if act in r.acts and r.in_force(day))

    def reasons_to_decide(self, kind: RequestKind, day: date) -> Sequence[DecisionReason]:
        """The reasons that a decision of a request of this kind may give on `day`, in order."""
        return tuple(r for r in self.decision_reasons.values() if kind in r.kinds and r.in_force(day))

    def require_terms(self, accepted: Collection[str]) -> None:
        """Refuse the folder when a version that somebody accepted is not in it. Raises FaultyFiles."""
        faults = [
            Fault(
                self.folder / "terms" / version,
                1,
                "People accepted this version, and its text is missing: it stays, for them to read.",
            )
            for version in accepted
            if version not in self.terms_versions
        ]
        if faults:
            raise FaultyFiles(faults)

    def require_codes(self, in_use: Mapping[CodeKind, Collection[str]]) -> None:
        """Refuse the folder when a code still in use is not in it. Raises FaultyFiles."""
        known: Mapping[CodeKind, Mapping[str, object]] = {
            "organization_kinds": self.organization_kinds,
            "subjects": self.subjects,
            "relation_types": self.relation_types,
            "linking_methods": self.linking_methods,
            "capacities": self.capacities,
            "campaigns": self.campaigns,
            "forms": self.forms,
            "attestations": self.attestations,
            "decision_reasons": self.decision_reasons,
            "managing_reasons": self.managing_reasons,
            "questionnaires": self.questionnaires,
            "misuse_reasons": self.misuse_reasons,
            "doors": self.doors,
            "portals": {portal.code: portal for portal in self.profile.portals},
        }
        faults = [
            self.documents[kind].fault(
                f"`{code}` is in use and missing here: codes are retired with `until`, never deleted.",
                _KEY_IN_FILE.get(kind, kind),
            )
            for kind, codes in in_use.items()
            for code in codes
            if code not in known[kind]
        ]
        if faults:
            raise FaultyFiles(faults)
