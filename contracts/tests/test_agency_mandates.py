"""What agencies/ramq promises of mandates, and faults in what an agency says of them, refused with file and reason."""

from pathlib import Path
from shutil import copytree
from typing import NamedTuple

import pytest

from contracts.agency import Agency, FaultyFiles, load
from contracts.agency.linking import LinkingCoordinates
from contracts.agency.mandates import MandateSide
from contracts.events import Language

RAMQ = Path(__file__).parents[2] / "agencies" / "ramq"


class Fault(NamedTuple):
    """`new` for the first `old` in `file`; the reason is given in `named`."""

    file: str
    old: str
    new: str
    named: str
    reason: str


FAULTS = {
    "a subject that there is not": Fault(
        "mandates.yaml", "subject: online_billing", "subject: poetry", "mandates.yaml", "No subject of scope"
    ),
    "a subject twice": Fault(
        "mandates.yaml", "subject: account_statements", "subject: online_billing", "mandates.yaml", "a second time"
    ),
    "a profession that manages nothing": Fault(
        "mandates.yaml", "professions: [physician, dentist, optometrist, pharmacist]", "professions: [clinical_staff]",
        "mandates.yaml", "No membership in force that manages",
    ),
    "a role that manages": Fault(
        "mandates.yaml", "roles: [clinical_staff]", "roles: [physician]", "mandates.yaml", "that does not manage"
    ),
    "a role that is retired": Fault(
        "relations.yaml", "  - code: billing_clerk\n", "  - code: billing_clerk\n    until: 2026-01-01\n",
        "mandates.yaml", "No membership in force that does not manage",
    ),
    "an attestation that there is not": Fault(
        "mandates.yaml", "delegate: [mandate_accepted,", "delegate: [anything_goes,", "mandates.yaml", "`anything_goes`"
    ),
    "a questionnaire that there is not": Fault(
        "mandates.yaml", "questionnaire: delegate_access", "questionnaire: twenty_questions", "mandates.yaml",
        "No questionnaire has the code",
    ),
    "a questionnaire that leads to no mandate": Fault(
        "questionnaires.yaml", "form: mandate", "leaves: sign_on_paper", "mandates.yaml", "leads to a mandate"
    ),
    "a reminder on the first day": Fault(
        "mandates.yaml", "signing_reminders: [14, 3]", "signing_reminders: [30]", "mandates.yaml", "before the last day"
    ),
    "a machine that approves nothing": Fault(
        "mandates.yaml", "{approves: false}", "{approves: true}", "mandates.yaml", "where a machine `approves`"
    ),
    "a machine that approves what nobody mandates": Fault(
        "mandates.yaml", "{approves: false}", "{approves: true, services: [professional_file]}", "mandates.yaml",
        "No mandate can be about `professional_file`",
    ),
    "one domain with two providers": Fault(
        "mandates.yaml", "[icloud.com,", "[gmail.com, icloud.com,", "mandates.yaml", "a second time"
    ),
    "a question that nobody comes to": Fault(
        "questionnaires.yaml", "question: which_service", "question: who_signs", "questionnaires.yaml",
        "No answer leads to `which_service`.",
    ),
    "questions in a circle": Fault(
        "questionnaires.yaml", "question: how_to_sign", "question: who_acts", "questionnaires.yaml", "leads back to"
    ),
    "an answer that leads nowhere": Fault(
        "questionnaires.yaml", "leaves: shared_address", "leaves: nowhere", "questionnaires.yaml", "`nowhere`"
    ),
    "an answer without a way": Fault(
        "questionnaires.yaml", "            question: who_acts\n", "", "questionnaires.yaml", "leads to one of"
    ),
    "an answer with two ways": Fault(
        "questionnaires.yaml", "question: who_acts", "question: who_acts\n            form: mandate",
        "questionnaires.yaml", "leads to one of",
    ),
    "no form that asks for a mandate": Fault(
        "forms.yaml", "kind: mandate\n", "kind: mandate\n    until: 2020-01-01\n", "mandates.yaml",
        "no form of kind `mandate` in force",
    ),
    "no form that signs one": Fault(
        "forms.yaml", "kind: signature\n", "kind: signature\n    until: 2020-01-01\n", "mandates.yaml",
        "no form of kind `signature` in force",
    ),
    "a questionnaire twice": Fault(
        "questionnaires.yaml", "questionnaires:\n",
        "questionnaires:\n  - code: delegate_access\n    title: {fr: F, en: E}\n    questions:\n"
        "      - {code: a, text: {fr: F, en: E}, answers: [{code: b, label: {fr: F, en: E}, form: mandate}]}\n",
        "questionnaires.yaml", "a second time",
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def ramq() -> Agency:
    return load(RAMQ)


@pytest.mark.parametrize("fault", FAULTS.values(), ids=list(FAULTS))
def test_a_fault_is_refused_with_its_file_and_reason(tmp_path: Path, fault: Fault) -> None:
    folder = tmp_path / "ramq"
    copytree(RAMQ, folder)
    file = folder / fault.file
    sound = file.read_text(encoding="utf-8")
    assert fault.old in sound
    file.write_text(sound.replace(fault.old, fault.new, 1), encoding="utf-8")
    with pytest.raises(FaultyFiles) as refused:
        load(folder)
    named = [found.reason for found in refused.value.faults if found.file == folder / fault.named]
    assert any(fault.reason in reason for reason in named), str(refused.value)


def test_without_the_file_an_agency_has_no_mandates_and_no_answer_leads_to_one(tmp_path: Path) -> None:
    folder = tmp_path / "ramq"
    copytree(RAMQ, folder)
    (folder / "mandates.yaml").unlink()
    with pytest.raises(FaultyFiles, match="The agency has no mandates"):
        load(folder)
    (folder / "questionnaires.yaml").unlink()
    forms = (folder / "forms.yaml").read_text(encoding="utf-8")
    with pytest.raises(FaultyFiles, match="the agency does without mandates"):
        load(folder)
    others = forms[forms.index("  - code: end_staff_access") :]
    before, _, _ = forms.partition("\nforms:\n")
    (folder / "forms.yaml").write_text(f"{before}\nforms:\n{others}", encoding="utf-8")
    agency = load(folder)
    assert agency.mandates is None and agency.questionnaires == {} and "mandates" not in agency.features


def test_a_mandate_is_about_a_service_and_never_about_the_professionals_own_file(ramq: Agency) -> None:
    assert ramq.mandates is not None
    assert set(ramq.mandates.by_subject) == {s.code for s in ramq.subjects.values() if s.delegable}


def test_no_mandate_is_approved_by_a_machine_unless_the_agency_says_so(ramq: Agency) -> None:
    assert ramq.mandates is not None and not ramq.mandates.machine.approves


def test_each_side_attests_to_answer_for_its_own_activity_and_to_the_secrecy_of_credentials(ramq: Agency) -> None:
    assert ramq.mandates is not None
    promised: dict[MandateSide, dict[Language, tuple[str, ...]]] = {
        "professional": {
            "fr": (
                "chaque utilisateur répond de ses propres activités", "je réponds des miennes",
                "elle répond des siennes", "garder confidentiels son nom d’utilisateur et son mot de passe",
                "Je n’utiliserai jamais ses éléments d’identification", "aucune autre personne que moi",
            ),
            "en": (
                "each user answers for their own activity", "I answer for mine", "this person answers for theirs",
                "keep their user name and password confidential", "I will never use this person’s credentials",
                "nobody but me has access",
            ),
        },
        "delegate": {
            "fr": (
                "je réponds de mes activités", "associées à mon nom d’utilisateur",
                "Je garderai confidentiels mon nom d’utilisateur et mon mot de passe", "aucune autre personne que moi",
            ),
            "en": (
                "I answer for my activity", "associated with my user name",
                "I will keep my user name and password confidential", "nobody but me has access",
            ),
        },
    }  # fmt: skip
    for side, languages in promised.items():
        codes = ramq.mandates.attestations.of(side)
        for language, parts in languages.items():
            words = " ".join(ramq.attestations[code].text.in_(language) for code in codes)
            assert [part for part in parts if part not in words] == []


def test_a_professional_is_asked_for_the_number_and_the_code_by_the_names_of_the_agency(ramq: Agency) -> None:
    method = next(m for m in ramq.linking_methods.values() if isinstance(m, LinkingCoordinates))
    assert method.fields.client_number.label.fr == "Numéro de professionnel"
    assert method.fields.client_number.label.en == "Professional’s number"


@pytest.mark.parametrize(
    ("mail", "own", "other"),
    [("user_name", "user_name", "temporary_password"), ("temporary_password", "temporary_password", "user_name")],
)
def test_each_half_of_a_credential_is_called_confidential_in_a_mail_without_the_other(
    mail: str, own: str, other: str
) -> None:
    templates = load(RAMQ).mails[mail]
    for template, confidential in ((templates.fr, "confidentiel"), (templates.en, "confidential")):
        said = "\n".join(text for _, text in template.texts())
        assert f"{{{{ {own} }}}}" in said and f"{{{{ {other} }}}}" not in said
        assert confidential in said
