"""What agencies/ccq promises, and what every agency's folder promises: two languages, sound typography."""

import re
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path

import pytest
from pydantic import BaseModel, ValidationError

from contracts.agency import Agency, Text, load
from contracts.agency.demo import Demo, load_demo
from contracts.agency.letters import Letter
from contracts.agency.linking import LinkedFile, LinkingCoordinates
from contracts.agency.mails import MAIL_FIELDS, MAIL_KINDS, CodeBlock, MailTemplates
from contracts.agency.typography import faults
from contracts.events import LANGUAGES, Language
from contracts.imports import ImportedOrganization
from contracts.notifications import MAIL_REQUESTS
from contracts.problems import Texts, Wording

AGENCIES = Path(__file__).parents[2] / "agencies"
DAY = date(2026, 11, 22)
FOLDERS = sorted(folder.parent for folder in AGENCIES.glob("*/agency.yaml"))
EVERY_FOLDER = pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)


@pytest.fixture(scope="module")
def ccq() -> Agency:
    return load(AGENCIES / "ccq")


@pytest.fixture(scope="module")
def demo(ccq: Agency) -> Demo:
    return load_demo(ccq)


def human_texts(value: object, place: str = "") -> Iterator[tuple[str, Language, str]]:
    """Every text for people within models, mappings and tuples, with its place and language."""
    match value:
        case Text() | Wording():
            for language in LANGUAGES:
                yield f"{place}.{language}", language, getattr(value, language)
        case Texts():
            yield from human_texts({"problems": value.own_problems, "words": value.own_words}, place)
        case MailTemplates() | Letter():
            for language in LANGUAGES:
                for where, text in value.in_(language).texts():
                    yield f"{place}.{language}.{where}", language, text
        case BaseModel():
            for name in type(value).model_fields:
                yield from human_texts(getattr(value, name), f"{place}.{name}")
        case Mapping():
            for key, entry in value.items():
                yield from human_texts(entry, f"{place}.{key}")
        case tuple():
            for index, entry in enumerate(value):
                yield from human_texts(entry, f"{place}[{index}]")


def all_texts(folder: Path) -> list[tuple[str, Language, str]]:
    agency = load(folder)
    parts = {name: getattr(agency, name) for name in agency.__dataclass_fields__ if name != "documents"}
    terms = [
        (f"terms.{version}.{language}", language, text.in_(language))
        for version, text in agency.terms_versions.items()
        for language in LANGUAGES
    ]
    demo = human_texts(load_demo(agency).sign_ins, "sign-ins") if (folder / "demo").exists() else ()
    return [*human_texts(parts), *terms, *demo]


@EVERY_FOLDER
def test_every_text_has_the_typography_of_its_language(folder: Path) -> None:
    wrong = [f"{place}: {fault}" for place, language, text in all_texts(folder) for fault in faults(text, language)]
    assert wrong == []


def test_the_walk_over_texts_reaches_every_file() -> None:
    places = " ".join(place for place, _, _ in all_texts(AGENCIES / "ccq"))
    expected = """
        .profile.support .subjects.status_letter.why .relation_types.accounting_firm.label
        .linking_methods.linking_coordinates.success .forms.add_relation.fields[0].label
        .forms.remove_relation.fields[0].options[0].help .attestations.may_act_for_me.text
        .mails.linking_coordinates.en.('blocks',1) terms.2026-01.fr sign-ins.people[0].role
        .accounts.doors[0].for_whom .campaigns.launch_of_services.introduction .profile.portals[0].name
    """
    for part in expected.split():
        assert part in places.replace("', ", "',")
    of_wsscc = " ".join(place for place, _, _ in all_texts(AGENCIES / "wsscc"))
    reached = (
        ".registration_fields[1].options[0].label",
        ".help.texts[1].steps[0]",
        "questions[5].answer",
        ".texts.problems.last_manager.detail.fr",
        ".texts.words.next_manager.en",
    )
    assert all(part in of_wsscc for part in reached)


@EVERY_FOLDER
def test_no_text_is_the_same_in_both_languages_by_oversight(folder: Path) -> None:
    texts = {place: text for place, _, text in all_texts(folder)}
    same = {text for place, text in texts.items() if place.endswith(".fr") and texts[place[:-2] + "en"] == text}
    agencies_name = load(folder).profile.name.fr
    assert all(len(text.split()) < 3 or text == agencies_name for text in same), same


def test_the_guides_subjects_have_their_names_and_three_cannot_be_delegated(ccq: Agency) -> None:
    assert {code: subject.name.fr for code, subject in ccq.subjects.items()} == {
        "monthly_report": "Rapport mensuel",
        "workforce": "Main-d’œuvre",
        "site_compliance": "Chantier et conformité",
        "payments_statements": "Paiements et relevés",
        "profile": "Profil",
        "competency_certificate": "Certificat de compétence",
        "workforce_management": "Gestion de main-d’œuvre",
        "site_identification": "Identification de chantier",
        "status_letter": "Lettre d’état de situation",
    }
    not_delegable = [s for s in ccq.subjects.values() if not s.delegable]
    assert [s.code for s in not_delegable] == ["workforce_management", "site_identification", "status_letter"]
    for subject in not_delegable:
        assert subject.why_not_delegable
        assert subject.name.fr in subject.why_not_delegable.fr
        assert "ajoute la personne aux contacts" in subject.why_not_delegable.fr


def test_the_ceiling_of_a_kind_is_its_subjects_in_force(ccq: Agency) -> None:
    assert len(ccq.ceiling("employer", DAY)) == 8
    assert [s.code for s in ccq.ceiling("firm", DAY)] == [s.code for s in ccq.ceiling("employer", DAY) if s.delegable]
    assert [s.code for s in ccq.ceiling("individual", DAY)] == [
        "payments_statements", "profile", "competency_certificate",
    ]  # fmt: skip
    with pytest.raises(KeyError):
        ccq.ceiling("nobody", DAY)


@EVERY_FOLDER
def test_a_subject_about_oneself_is_on_no_organizations_file(folder: Path) -> None:
    agency = load(folder)
    own = {code for code, subject in agency.subjects.items() if subject.scope == "self"}
    assert not own & {subject.code for kind in agency.organization_kinds for subject in agency.ceiling(kind, DAY)}


def test_a_retired_code_is_in_force_through_its_last_day(ccq: Agency) -> None:
    retired = ccq.subjects["profile"].model_copy(update={"until": DAY})
    assert retired.in_force(DAY)
    assert not retired.in_force(date(2026, 11, 23))


RESERVED = ["partner_representative", "permit_representative"]


def test_partners_and_permit_holders_have_a_door_of_their_own(ccq: Agency) -> None:
    assert [door.code for door in ccq.doors.values()] == ["clients", "reserved_access"]
    reserved = ccq.doors["reserved_access"]
    assert (
        "partenaires de la CCQ" in reserved.for_whom.fr
        and "titulaires d’un permis de référence" in reserved.for_whom.fr
    )
    assert list(reserved.relation_types) == RESERVED
    assert not set(RESERVED) & set(ccq.functions_of_door(None))
    assert ccq.functions_of_door("not_yet") == ()


def test_relation_types_are_those_of_the_guide(ccq: Agency) -> None:
    managing = [t.code for t in ccq.relation_types.values() if t.manages]
    assert managing == ["responsible_person", "administrator", "director", "file_holder", *RESERVED]
    assert ccq.delegation_type
    assert ccq.delegation_type.code == "delegation"
    firm = ccq.relation_types["accounting_firm"]
    assert (firm.of_kinds, firm.by_kinds) == (("employer", "individual"), ("firm",))
    assert firm.label
    assert firm.label.fr == "a comme firme comptable ou serv. de paie"


def test_nothing_can_be_changed_after_loading(ccq: Agency) -> None:
    with pytest.raises(ValidationError):
        ccq.subjects["profile"].delegable = False  # type: ignore[misc]
    with pytest.raises(TypeError):
        ccq.subjects["x"] = ccq.subjects["profile"]  # type: ignore[index]


@EVERY_FOLDER
def test_the_version_follows_the_data_and_nothing_else(folder: Path) -> None:
    version = load(folder).version
    assert load(folder).version == version
    assert re.fullmatch(r"[0-9a-f]{16}", version)


def test_the_message_of_success_names_organization_and_number_literally(ccq: Agency) -> None:
    method = ccq.linking_methods["linking_coordinates"]
    assert isinstance(method, LinkingCoordinates)
    message = method.success_message("fr", [LinkedFile("A {number} INC.", "12")])
    assert "A {number} INC. (numéro 12)" in message


def test_a_template_is_offered_what_its_request_carries_and_what_is_the_agencys() -> None:
    fields = MAIL_FIELDS["linking_coordinates"]
    assert sorted(fields.offered) == [
        "changed",
        "client_number",
        "code",
        "expires_on",
        "given_name",
        "organization_name",
        "organization_number",
        "portal_url",
        "responsible",
        "support_email",
    ]
    assert fields.optional == {"changed", "responsible"}


def test_each_kind_of_mail_has_one_request_that_carries_what_must_be_shown() -> None:
    assert len(MAIL_KINDS) == len(MAIL_REQUESTS)
    assert all(fields.shown <= fields.offered for fields in MAIL_FIELDS.values())


@pytest.mark.parametrize("language", LANGUAGES)
def test_without_responsible_persons_the_mail_sends_to_support_instead(ccq: Agency, language: Language) -> None:
    template = ccq.mails["linking_coordinates"].in_(language)
    with_them = template.blocks_without(frozenset())
    without = template.blocks_without(frozenset({"responsible"}))
    assert "responsible" in str(with_them[-1])
    assert "responsible }}" not in str(without)
    assert "support_email" in str(without[-1])
    assert len(with_them) == len(without) == len(template.blocks) - 1


@EVERY_FOLDER
def test_no_code_stands_in_a_subject_or_preheader(folder: Path) -> None:
    for templates in load(folder).mails.values():
        for language in LANGUAGES:
            template = templates.in_(language)
            assert "{{ code }}" not in template.subject + template.preheader
            assert "{{ client_number }}" not in template.subject + template.preheader


@EVERY_FOLDER
def test_a_mail_with_a_code_sets_it_apart_once(folder: Path) -> None:
    for kind, templates in load(folder).mails.items():
        for language in LANGUAGES:
            codes = [b for b in templates.in_(language).blocks if isinstance(b, CodeBlock)]
            assert len(codes) == len(MAIL_FIELDS[kind].shown & {"code", "user_name", "temporary_password"})


@EVERY_FOLDER
def test_no_mail_can_leave_for_the_real_agency(folder: Path) -> None:
    agency = load(folder)
    demo = load_demo(agency)
    addresses = [agency.profile.sender.address, *(person.email for person in demo.sign_ins.people)]
    addresses += [o.organization.email or "" for o in demo.organizations]
    addresses += [contact.email or "" for o in demo.organizations for contact in o.contacts]
    assert all(address.endswith((".example", "@example.org")) for address in addresses)


def test_the_demo_holds_the_guides_two_relations(demo: Demo) -> None:
    names = {o.organization.number: o.organization.legal_name for o in demo.organizations}
    firm = demo.organizations[-1]
    assert firm.organization.legal_name == "LAFORCE COMPTABLE INC."
    assert [names[r.organization.number] for r in firm.relations] == [
        "ENTREPRISE SHW INC.",
        "PLOMBERIE RICHARD BÉLANGER",
    ]
    for relation in firm.relations:
        assert relation.subjects != "all"
        assert len(relation.subjects) == 8


@EVERY_FOLDER
def test_the_demos_password_is_one_the_limits_allow(folder: Path) -> None:
    agency = load(folder)
    allowed = agency.limits.password
    assert allowed.minimum <= len(load_demo(agency).sign_ins.password) <= allowed.maximum


def readme_codes(folder: Path, section: str) -> dict[str, tuple[str, str]]:
    """Of a section that is not there: none."""
    readme = (folder / "README.md").read_text(encoding="utf-8")
    part = f"{readme}### {section}\n".split(f"### {section}\n")[1].split("\n#")[0]
    return {code: (fr, en) for code, fr, en in re.findall(r"^\| `([^`]+)` \| ([^|]+) \| ([^|]+) \|", part, re.M)}


@EVERY_FOLDER
def test_the_readme_lists_exactly_the_stable_codes_and_their_names(folder: Path) -> None:
    agency = load(folder)
    named: dict[str, dict[str, Text]] = {
        "Organization kinds": {c: k.name for c, k in agency.organization_kinds.items()},
        "Subjects": {c: s.name for c, s in agency.subjects.items()},
        "Relation types": {c: t.name for c, t in agency.relation_types.items()},
        "Linking methods": {c: m.name for c, m in agency.linking_methods.items()},
        "Capacities": {c: k.name for c, k in agency.capacities.items()},
        "Campaigns": {c: k.name for c, k in agency.campaigns.items()},
        "Categories": {c: k.name for c, k in agency.categories.items()},
        "Forms": {c: f.title for c, f in agency.forms.items()},
        "Portals": {p.code: p.name for p in agency.profile.portals},
        "Registration fields": {f.code: f.label for f in agency.accounts.registration_fields},
        "Help texts": {t.code: t.title for t in agency.help.texts},
        "Doors": {c: d.name for c, d in agency.doors.items()},
        "Decision reasons": {c: r.name for c, r in agency.decision_reasons.items()},
        "Managing reasons": {c: r.name for c, r in agency.managing_reasons.items()},
    }
    for section, entries in named.items():
        assert readme_codes(folder, section) == {code: (name.fr, name.en) for code, name in entries.items()}
    versions = {(code, int(version)) for code, (version, _) in readme_codes(folder, "Attestations").items()}
    assert versions == set(agency.attestation_versions)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("client_number", "12"),
        ("family_name", ""),
        ("family_name", " Roy"),
        ("family_name", "x" * 101),
        ("given_name", "Ro\ny"),
        ("given_name", "https://evil.example"),
        ("family_name", "Roy\x07"),
        ("family_name", "www.evil.example"),
        ("family_name", "roy@evil.example"),
        ("email", "nobody"),
        ("language", "de"),
        ("telephones", [{"kind": "work", "number": "514 555-0100"}]),
        ("relations", []),
        ("shoe_size", 42),
    ],
)
def test_the_import_format_bounds_every_field_of_a_contact(demo: Demo, field: str, value: object) -> None:
    line = demo.organizations[0].model_dump(mode="json")
    ImportedOrganization.model_validate(line)
    line["contacts"][0][field] = value
    with pytest.raises(ValidationError):
        ImportedOrganization.model_validate(line)


def test_an_organization_imported_with_a_relation_to_itself_is_refused(demo: Demo) -> None:
    line = demo.organizations[-1].model_dump(mode="json")
    line["relations"][0]["organization"] = {"kind": "firm", "number": line["organization"]["number"]}
    with pytest.raises(ValidationError, match="no relation to itself"):
        ImportedOrganization.model_validate(line)
