"""What must hold between mandates.yaml, questionnaires.yaml and the other files of an agency's folder."""

from collections.abc import Collection, Iterator
from typing import get_args

from contracts.agency.catalogue import Catalogue
from contracts.agency.files import Document, Fault
from contracts.agency.forms import Forms
from contracts.agency.mandates import Mandates, MandateSide
from contracts.agency.questionnaires import Questionnaires, flaws
from contracts.agency.relations import Relations, RelationType
from contracts.notifications import Feature


def check_questionnaires(document: Document, file: Questionnaires, present: Collection[Feature]) -> Iterator[Fault]:
    """Codes once each; every path ends, in a form that the agency has or in a text; nothing is out of reach."""
    seen: set[str] = set()
    for index, questionnaire in enumerate(file.questionnaires):
        if questionnaire.code in seen:
            yield document.fault(
                f"The code `{questionnaire.code}` stands here a second time.", "questionnaires", index, "code"
            )
        seen.add(questionnaire.code)
        for flaw in flaws(questionnaire):
            yield document.fault(flaw.reason, "questionnaires", index, *flaw.place)
        for i, question in enumerate(questionnaire.questions):
            for j, answer in enumerate(question.answers):
                if answer.form == "mandate" and "mandates" not in present:
                    place = ("questionnaires", index, "questions", i, "answers", j, "form")
                    yield document.fault("The agency has no mandates.", *place)


def check_mandates(
    document: Document,
    mandates: Mandates,
    catalogue: Catalogue,
    relations: Relations,
    forms: Forms,
    questionnaires: Questionnaires,
) -> Iterator[Fault]:
    """Services, professions, roles and attestations exist; the questionnaire and both forms lead to a mandate."""
    yield from _check_services(document, mandates, catalogue, relations)
    current = {attestation.code for attestation in forms.attestations if attestation.until is None}
    for side in get_args(MandateSide):
        for index, code in enumerate(mandates.attestations.of(side)):
            if code not in current:
                reason = f"No attestation without `until` has the code `{code}`."
                yield document.fault(reason, "attestations", side, index)
    for kind in ("mandate", "signature"):
        if not any(form.kind == kind and form.until is None for form in forms.forms):
            yield document.fault(f"forms.yaml has no form of kind `{kind}` in force, which mandates need.")
    for form in (form for form in forms.forms if form.kind == "signature" and form.until is None):
        if form.attestations != mandates.attestations.professional:
            yield document.fault(f"The form `{form.code}` has other attestations.", "attestations", "professional")
    asked = next((q for q in questionnaires.questionnaires if q.code == mandates.questionnaire), None)
    if asked is None:
        yield document.fault(f"No questionnaire has the code `{mandates.questionnaire}`.", "questionnaire")
    elif not any(answer.form == "mandate" for question in asked.questions for answer in question.answers):
        yield document.fault("No answer of this questionnaire leads to a mandate.", "questionnaire")
    domains = [domain for provider in mandates.addresses.providers for domain in provider.domains]
    for index, provider in enumerate(mandates.addresses.providers):
        if any(domains.count(domain) > 1 for domain in provider.domains):
            yield document.fault("One of these domains stands here a second time.", "addresses", "providers", index)


def _check_services(
    document: Document, mandates: Mandates, catalogue: Catalogue, relations: Relations
) -> Iterator[Fault]:
    subjects = {subject.code: subject for subject in catalogue.subjects}
    types = {relation.code: relation for relation in relations.relation_types if relation.shape == "membership"}
    for index, service in enumerate(mandates.services):
        place = ("services", index)
        subject = subjects.get(service.subject)
        if subject is None or subject.scope != "organization":
            yield document.fault(
                f"No subject of scope organization has the code `{service.subject}`.", *place, "subject"
            )
        kinds = frozenset(subject.kinds) if subject else frozenset[str]()
        for name, codes, manages in (("professions", service.professions, True), ("roles", service.roles, False)):
            for number, code in enumerate(codes):
                known = types.get(code)
                if known is None or known.manages != manages or not _fits(known, kinds):
                    noun = "that manages" if manages else "that does not manage"
                    reason = (
                        f"No membership in force {noun}, in an organization with this subject, has the code `{code}`."
                    )
                    yield document.fault(reason, *place, name, number)
    known_services = {service.subject for service in mandates.services}
    for number, code in enumerate(mandates.machine.services):
        if code not in known_services:
            yield document.fault(f"No mandate can be about `{code}`.", "machine", "services", number)


def _fits(relation: RelationType, kinds: frozenset[str]) -> bool:
    """Whether it is in force, and somebody of this type may be in an organization of one of these kinds."""
    return relation.until is None and (not kinds or not kinds.isdisjoint(relation.of_kinds))
