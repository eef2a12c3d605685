"""A folder with a fault is refused with file, line and reason: each is seeded into a copy of ccq."""

import shutil
from pathlib import Path
from typing import get_args

import pytest

from contracts.agency import Agency, FaultyFiles, load
from contracts.agency.agency import CodeKind
from contracts.agency.limits import LimitName
from contracts.tests.seeding import CCQ, WSSCC, Seed, assert_named, sow


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(CCQ, tmp_path / "ccq"))


SEEDS = {
    "syntax": Seed("catalogue.yaml", "kinds: [employer, firm]", "kinds: [employer", "    del", "YAML"),
    "repeated key": Seed("agency.yaml", "code: ccq\n", "code: ccq\ncode: ccd\n", "code: ccd", "a second time"),
    "unknown field": Seed("agency.yaml", "time_zone:", "timezone:", "timezone:", "`timezone` is not a known field"),
    "missing field": Seed(
        "catalogue.yaml",
        "    scope: organization\n",
        "",
        "  - code: monthly",
        "`scope` in `subjects.0` is req",
    ),
    "number for text": Seed("agency.yaml", '{first: "7000000"', "{first: 7000000", "client_numbers:", "valid string"),
    "code is not the folder": Seed("agency.yaml", "code: ccq", "code: cqc", "code: cqc", "folder's name"),
    "time zone": Seed("agency.yaml", "America/Toronto", "America/Quebec", "time_zone:", "no time zone"),
    "unreadable colours": Seed("agency.yaml", "#ffffff", "#0050a0", "colours:", "contrast"),
    "plain http": Seed("agency.yaml", "https://sel.ccq", "http://sel.ccq", "    url: {fr", "https://"),
    "client number range": Seed("agency.yaml", 'last: "7999999"', 'last: "6999999"', "client_n", "in order"),
    "support without way": Seed(
        "agency.yaml",
        "    email: firme",
        "    # email: firme",
        '  - topic: {fr: "Soutien',
        "`email` or `url`",
    ),
    "language missing": Seed(
        "catalogue.yaml",
        '{fr: "Main-d’œuvre", en: "Workforce"}',
        '{fr: "Main-d’œuvre"}',
        '{fr: "Main-d’œuvre"}',
        "`en` in `subjects.1.name` is required",
    ),
    "language empty": Seed("catalogue.yaml", 'en: "Workforce"', 'en: ""', 'en: ""', "at least 1 character"),
    "stray line break": Seed(
        "linking.yaml", "      en: >-\n", "      en: >\n", "      en: >\n", "a space or a line break"
    ),
    "code used twice": Seed(
        "catalogue.yaml",
        "code: workforce\n",
        "code: monthly_report\n",
        'code: monthly_report\n    name: {fr: "Main',
        "second",
    ),
    "unknown kind of subject": Seed(
        "catalogue.yaml",
        "kinds: [employer, firm]",
        "kinds: [employer, office]",
        "kinds: [employer, office]",
        "`office`",
    ),
    "no reason why not": Seed(
        "catalogue.yaml",
        "delegable: true",
        "delegable: false",
        "  - code: monthly",
        "`why_not_delegable` is required",
    ),
    "invalid date": Seed(
        "catalogue.yaml",
        "  - code: firm\n",
        "  - code: firm\n    until: soon\n",
        "    until: soon",
        "valid date",
    ),
    "unknown kind of relation": Seed(
        "relations.yaml", "by_kinds: [firm]", "by_kinds: [office]", "by_kinds: [office]", "`office`"
    ),
    "second delegation": Seed(
        "relations.yaml",
        "  - code: delegation",
        "  - {code: sub, shape: delegation, name: {fr: S, en: S}, of_kinds: [employer]}\n  - code: delegation",
        "  - code: delegation",
        "A second delegation type",
    ),
    "no delegation": Seed(
        "relations.yaml",
        "    shape: delegation",
        "    until: 2026-01-01\n    shape: delegation",
        "relation_types:",
        "delegation",
    ),
    "representation without label": Seed(
        "relations.yaml",
        '    label:\n      fr: "a comme firme comptable ou serv. de paie"\n'
        '      en: "has as accounting firm or payroll service"\n',
        "",
        "  - code: accounting_firm",
        "a representation has a `label`",
    ),
    "delegation that manages": Seed(
        "relations.yaml",
        "    shape: delegation\n",
        "    shape: delegation\n    manages: true\n",
        "  - code: delegation",
        "only a membership",
    ),
    "unknown method kind": Seed(
        "linking.yaml", "kind: linking_coordinates", "kind: magic", "  - code: linking_coordinates", "former_credential"
    ),
    "unknown placeholder in success": Seed(
        "linking.yaml",
        "{organization} (numéro",
        "{company} (numéro",
        "    success:",
        "`company` is not offered",
    ),
    "first portal that closes": Seed(
        "agency.yaml",
        "  - code: sel\n",
        "  - code: sel\n    until: 2027-01-01\n",
        "  - code: sel",
        "whoever names none",
    ),
    "field with options of another kind": Seed(
        "accounts.yaml",
        "confirmation: code\n",
        "confirmation: code\nregistration_fields:\n"
        "  - {code: territory, kind: choice, required: true, label: {fr: T, en: T}}\n",
        "  - {code: territory",
        "`options` are listed where the kind is choice",
    ),
    "field named twice": Seed(
        "accounts.yaml",
        "confirmation: code\n",
        "confirmation: code\nregistration_fields:\n"
        "  - {code: a, kind: text, required: true, label: {fr: T, en: T}}\n"
        "  - {code: a, kind: text, required: false, label: {fr: T, en: T}}\n",
        "  - {code: a, kind: text, required: false",
        "a second time",
    ),
    "code lives too long": Seed(
        "limits.yaml", "{minutes: 10", "{minutes: 11", "one_time_code:", "less than or equal to 10"
    ),
    "password too short": Seed("limits.yaml", "{minimum: 15", "{minimum: 12", "password:", "equal to 15"),
    "review that an organization decides": Seed(
        "requests.yaml", "    decider: agents", "    decider: organization", "kinds:", "agents decide a `review`"
    ),
    "no reason for a no": Seed(
        "requests.yaml",
        "  - code: still_our_provider\n",
        "  - code: still_our_provider\n    until: 2026-01-01\n",
        "reasons:",
        "rejecting a `proposed_end`",
    ),
    "limit missing": Seed("limits.yaml", "  sign_in:", "  # sign_in:", "attempts:", "sign_in"),
    "limit unknown": Seed("limits.yaml", "  sign_in:", "  signin:", "  signin:", "'sign_in'"),
    "terms that are not there": Seed(
        "agency.yaml", 'terms_version: "2026-01"', 'terms_version: "2027-01"', "terms_version:", "No folder in terms/"
    ),
    "notice longer than the wait": Seed(
        "accounts.yaml", "notice_days: 14", "notice_days: 90", "unlinked_accounts:", "must be less"
    ),
    "door for a function that is none": Seed(
        "accounts.yaml", "file_holder]", "file_holder, delegation]", "    relation_types:", "shape membership"
    ),
    "function without a door": Seed("accounts.yaml", ", file_holder]", "]", "doors:", "`file_holder` has no door"),
    "function of two doors": Seed(
        "accounts.yaml",
        "[partner_representative,",
        "[file_holder, partner_representative,",
        "    relation_types: [file_holder",
        "has another door",
    ),
    "kind of two doors": Seed(
        "accounts.yaml",
        ", file_holder]\n",
        "]\n  - {code: third, name: {fr: T, en: T}, for_whom: {fr: P, en: F}, relation_types: [file_holder]}\n",
        "  - {code: third",
        "has two doors",
    ),
    "first door that is another's": Seed(
        "accounts.yaml",
        "  - code: clients\n",
        "  - code: clients\n    until: 2030-01-01\n",
        "  - code: clients",
        "no `until`",
    ),
    "unknown category": Seed(
        "forms.yaml",
        "    category: authorizations",
        "    category: profile",
        "    category: profile",
        "`profile`",
    ),
    "unknown attestation": Seed(
        "forms.yaml",
        "attestations: [may_act_for_me,",
        "attestations: [i_swear,",
        "attestations: [i_swear",
        "`i_swear`",
    ),
    "retired attestation": Seed(
        "forms.yaml",
        "  - code: may_act_for_me\n",
        "  - code: may_act_for_me\n    until: 2026-01-01\n",
        "    attestations: [may",
        "No attestation without `until`",
    ),
    "two current versions": Seed(
        "forms.yaml",
        "  - code: accurate_and_effective\n    version: 1",
        "  - code: may_act_for_me\n    version: 2",
        "  - code: may_act_for_me\n    version: 2",
        "has no `until`",
    ),
    "version used twice": Seed(
        "forms.yaml",
        "  - code: accurate_and_effective\n    version: 1",
        "  - code: may_act_for_me\n    version: 1",
        "  - code: may_act_for_me\n    version: 1\n    text:\n      fr: >-\n        J’atteste que les modifications",
        "second time",
    ),
    "versions not in order": Seed(
        "forms.yaml",
        "attestations:\n  - code: may_act_for_me",
        "attestations:\n  - {code: may_act_for_me, version: 2, until: 2026-01-01, text: {fr: J, en: I}}\n"
        "  - code: may_act_for_me",
        "  - code: may_act_for_me",
        "not in rising order",
    ),
    "address without host": Seed("agency.yaml", "https://sel.ccq.org", "https:///", "    url: {fr", "not a web"),
    "no support by mail": Seed(
        "agency.yaml",
        "    email: firmecomptable@ccq.org",
        "    url: https://ccq.example",
        "support:",
        "must have an `email`",
    ),
    "subject without kinds": Seed(
        "catalogue.yaml", "    kinds: [employer, firm]\n", "", "  - code: monthly", "names its `kinds`"
    ),
    "representation by nobody": Seed(
        "relations.yaml", "    by_kinds: [firm]\n", "", "  - code: accounting_firm", "names its `by_kinds`"
    ),
    "method code used twice": Seed(
        "linking.yaml",
        "methods:\n",
        "methods:\n  - {code: linking_coordinates, kind: linking_coordinates, name: {fr: L, en: L},\n"
        "     help: {fr: A, en: H}, code_valid_days: 1, success: {fr: S, en: S},\n"
        "     fields: {client_number: {label: {fr: N, en: N}}, linking_code: {label: {fr: C, en: C}}}}\n",
        "  - code: linking_coordinates",
        "second time",
    ),
    "campaign to whom manages nothing": Seed(
        "campaigns.yaml",
        "functions: [responsible_person]",
        "functions: [staff_member]",
        "    functions:",
        "manages its organization",
    ),
    "campaign that ends first": Seed(
        "campaigns.yaml", "ends_on: 2027", "ends_on: 2025", "  - code: launch", "does not end before"
    ),
    "address in a campaign's words": Seed(
        "campaigns.yaml", "La CCQ améliore", "Sur ccq.example, la CCQ améliore", "      fr: >-", "no address"
    ),
    "too many failures": Seed("limits.yaml", "sign_in: {count: 40,", "sign_in: {count: 101,", "attempts:", "100"),
    "one network may lock somebody out": Seed(
        "limits.yaml", "from_one_network: 10}", "from_one_network: 40}", "attempts:", "lets one network spend all"
    ),
    "no part for one network": Seed("limits.yaml", ", from_one_network: 10}", "}", "attempts:", "`sign_in` lacks"),
    "a part of what no network shares": Seed(
        "limits.yaml",
        "mails_per_caller: {count: 2500, per_seconds: 3600}",
        "mails_per_caller: {count: 2500, per_seconds: 3600, from_one_network: 5}",
        "attempts:",
        "has no `from_one_network`",
    ),
    "options without choice": Seed(
        "forms.yaml",
        "        choices: options",
        "        choices: subjects",
        "      - code: contact.lan",
        "`options`",
    ),
    "endless terms": Seed("terms/2026-01/en.md", "## What", "x" * 60_000, "#", "longer than 60000"),
    "unknown form field": Seed(
        "forms.yaml",
        "code: contact.email",
        "code: contact.mail",
        "      - code: contact.mail",
        "`contact.mail`",
    ),
    "wrong option": Seed(
        "forms.yaml",
        "          - code: all",
        "          - code: everything",
        "        options:\n          - code: every",
        "must be all",
    ),
    "default that is no option": Seed(
        "forms.yaml",
        "        default: own_organization",
        "        default: my_organization",
        "      - code: acted_for",
        "one of the field's options",
    ),
    "default that is no day": Seed(
        "forms.yaml",
        "        default: no_end",
        "        default: next_year",
        "      - code: ends_on",
        "`today` or `no_end`",
    ),
    "link that is no address": Seed(
        "catalogue.yaml",
        "https://aide.ccq.example/en/profile",
        "aide.ccq",
        '    link: {fr: "https://aide.ccq.example/fr/profil"',
        "not a web address",
    ),
    "choice without source": Seed(
        "forms.yaml", "        choices: relation_types\n", "", "      - code: type", "where they come from"
    ),
    "mail without language": Seed(
        "mails/profile_linked.yaml", "\nen:\n", "\nde:\n", "fr:\n", "`en` is required and missing"
    ),
    "unknown placeholder": Seed(
        "mails/verification_code.yaml",
        "{{ minutes }} minutes et",
        "{{ hours }} h et",
        "{{ hours }}",
        "`hours`",
    ),
    "expression": Seed(
        "mails/verification_code.yaml",
        '"{{ code }}"',
        '"{{ code|upper }}"',
        "{{ code|upper }}",
        "outside a placeholder",
    ),
    "statement": Seed(
        "mails/profile_linked.yaml", '"Bonjour {{', '"{% if x %}Bonjour {{', "{% if", "outside a placeholder"
    ),
    "mail without its code": Seed(
        "mails/verification_code.yaml", '    - code: "{{ code }}"\n', "", "fr:\n", "must show `code`"
    ),
    "list within a text": Seed(
        "mails/ends_digest.yaml",
        '      items: "{{ ends }}"\n    - when: confirm_by\n      heading: "Liste',
        '      paragraph: "{{ ends }}"\n    - when: confirm_by\n      heading: "Liste',
        '    - when: ends\n      paragraph: "{{',
        "stands alone in `items`",
    ),
    "day of a notice twice": Seed("notices.yaml", "[30, 7, 0]}", "[30, 7, 7]}", "ends:", "a second time"),
    "two kinds of block in one": Seed(
        "mails/verification_code.yaml",
        '    - code: "{{ code }}"\n',
        '    - code: "{{ code }}"\n      note: "x"\n',
        '    - code: "{{ code }}"',
        "exactly one of",
    ),
    "empty field not guarded": Seed(
        "mails/linking_coordinates.yaml",
        "    - when: responsible\n      para",
        "    - para",
        "    - paragraph: >-\n        Une question",
        "may be empty",
    ),
    "address in a mail": Seed(
        "mails/verification_code.yaml",
        "Cliquez ensuite",
        "Allez à https://ccq.example. Cliquez ensuite",
        "Allez à",
        "no address",
    ),
    "bare host in a mail": Seed(
        "mails/verification_code.yaml", "Then click", "On ccq.example, click", "On ccq.example", "no address"
    ),
    "mailbox in a mail": Seed(
        "mails/verification_code.yaml", "Then click", "Write to a@localhost and click", "Write to", "no address"
    ),
    "token at the portal's address": Seed(
        "mails/linking_coordinates.yaml",
        "{{ portal_url }} et",
        "{{ portal_url }}/{{ code }} et",
        "    - steps:",
        "goes on after",
    ),
    "image in a mail": Seed(
        "mails/verification_code.yaml", '"Bonjour,"', '"Bonjour <img>,"', '"Bonjour <img>', "no markup"
    ),
    "link in a subject": Seed(
        "mails/profile_linked.yaml",
        'subject: "Votre compte est lié',
        'subject: "{{ support_email }} : votre compte est lié',
        "  subject:",
        "becomes a link",
    ),
    "two calls to action": Seed(
        "mails/linking_coordinates.yaml",
        '    - heading: "Marche à suivre"\n',
        '    - action: "Commencer"\n    - heading: "Marche à suivre"\n',
        "fr:\n",
        "more than one action",
    ),
    "portal with a query": Seed(
        "agency.yaml", "https://sel.ccq.org", '"https://sel.ccq.org/?source=mail"', "    url: {fr", "has no query"
    ),
    "page with a query": Seed(
        "agency.yaml", "/courriel/annulation", "/courriel/annulation.html", "portal_pages:", "should match pattern"
    ),
    "token that nothing takes": Seed(
        "mails/email_changed.yaml",
        '    - action: "Annuler le changement"\n',
        "",
        "fr:\n",
        "must have an `action`",
    ),
    "token in a text": Seed(
        "mails/email_changed.yaml",
        "Si c’était vous, vous",
        "{{ token }}, vous",
        "{{ token }}",
        "`token` is not offered",
    ),
    "guard on a field never empty": Seed(
        "mails/linking_coordinates.yaml",
        "    - unless: responsible",
        "    - unless: code",
        "    - unless: code",
        "not a field that may",
    ),
}


@pytest.mark.parametrize("seed", SEEDS.values(), ids=list(SEEDS))
def test_a_fault_is_refused_with_its_file_line_and_reason(folder: Path, seed: Seed) -> None:
    line = sow(folder, seed)
    with pytest.raises(FaultyFiles) as refused:
        load(folder)
    assert_named(refused.value, folder, seed, line)


def test_faults_of_several_files_are_reported_together(folder: Path) -> None:
    for name in ("unknown kind of subject", "password too short", "unknown placeholder"):
        sow(folder, SEEDS[name])
    with pytest.raises(FaultyFiles) as refused:
        load(folder)
    files = {fault.file.name for fault in refused.value.faults}
    assert files == {"catalogue.yaml", "limits.yaml", "verification_code.yaml"}


def test_an_organization_that_nobody_could_manage_is_refused(folder: Path) -> None:
    file = folder / "relations.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("manages: true", "manages: false"), encoding="utf-8")
    with pytest.raises(FaultyFiles) as refused:
        load(folder)
    kinds = ("employer", "firm", "individual", "partner", "permit_holder")
    assert [kind for kind in kinds if f"`{kind}`" in str(refused.value)] == list(kinds)
    assert [fault.file for fault in refused.value.faults].count(file) == len(kinds)


def test_changed_data_have_another_version_and_a_changed_demo_has_not(folder: Path) -> None:
    before = load(folder).version
    sow(folder, Seed("demo/sign-ins.yaml", "3000004", "3000009", "3000009", ""))
    assert load(folder).version == before
    with (folder / "limits.yaml").open("a") as limits:
        limits.write("# stricter soon\n")
    assert load(folder).version != before


@pytest.mark.parametrize("name", ["forms.yaml", "terms/2026-01/en.md", "mails/profile_linked.yaml"])
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(FaultyFiles, match="missing") as refused:
        load(folder)
    assert [fault.file for fault in refused.value.faults] == [folder / name]


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        ("linking_coordinates", "An agency with linking_coordinates sends it."),
        ("member_left", "An agency with representation sends it."),
        ("account_lapsing", "An agency with lapsing sends it."),
        ("contact_corrected", "An agency with correction sends it."),
        ("campaign_coordinates", "An agency with campaign sends it."),
    ],
)
def test_a_kind_of_mail_is_missed_only_where_the_agency_can_cause_it(folder: Path, kind: str, why: str) -> None:
    assert kind not in load(WSSCC).mails
    (folder / "mails" / f"{kind}.yaml").unlink()
    with pytest.raises(FaultyFiles) as refused:
        load(folder)
    assert [(fault.file.stem, why in fault.reason) for fault in refused.value.faults] == [(kind, True)]


def test_who_confirms_by_a_link_says_where_its_page_is_how_long_it_works_and_what_the_mail_says(folder: Path) -> None:
    sow(folder, Seed("accounts.yaml", "confirmation: code", "confirmation: link", "confirmation", ""))
    with pytest.raises(FaultyFiles) as refused:
        load(folder)
    assert {(fault.file.name, fault.reason.split("`")[0]) for fault in refused.value.faults} == {
        ("agency.yaml", "The mail verification_link leads to a page "),
        ("limits.yaml", "No "),
        ("verification_link.yaml", "The file is missing. An agency with confirmation_link sends it."),
    }


def test_a_file_of_which_nothing_is_required_may_be_absent(folder: Path) -> None:
    (folder / "campaigns.yaml").unlink()
    assert load(folder).campaigns == {}
    with pytest.raises(FaultyFiles, match="`launch` is in use") as refused:
        load(folder).require_codes({"campaigns": {"launch"}})
    assert [fault.file for fault in refused.value.faults] == [folder / "campaigns.yaml"]


@pytest.mark.parametrize("name", ["relations_per_organization", "redemption_per_user_name"])
def test_a_limit_is_missed_only_where_the_agency_counts_by_it(folder: Path, name: LimitName) -> None:
    assert name not in load(WSSCC).limits.attempts
    sow(folder, Seed("limits.yaml", f"  {name}:", f"  # {name}:", "attempts:", ""))
    with pytest.raises(FaultyFiles, match=name):
        load(folder)


def test_a_kind_of_request_is_missed_only_where_somebody_can_ask_it(folder: Path) -> None:
    assert "proposed_end" not in load(WSSCC).requests.kinds
    file = folder / "requests.yaml"
    text = file.read_text(encoding="utf-8")
    start, end = text.index("  proposed_end:"), text.index("  review:")
    file.write_text(text[:start] + text[end:].replace("kinds: [proposed_end]", "kinds: [review]"), encoding="utf-8")
    with pytest.raises(FaultyFiles, match="No rule is given for proposed_end"):
        load(folder)


@pytest.mark.parametrize(
    "name", ["catalog.yaml", "terms/fr.md", "mails/profile_link.yaml", "mails/verification_code.yml"]
)
def test_a_file_that_nothing_reads_is_named(folder: Path, name: str) -> None:
    (folder / name).write_text("x: 1\n")
    with pytest.raises(FaultyFiles) as refused:
        load(folder)
    assert [fault.file for fault in refused.value.faults] == [folder / name]


BLOCK = "  - code: block_contact\n    kind: block\n"
OF_FORMS_AND_TEXTS = {
    "decision of nothing": Seed(
        "forms.yaml", "    request: proposed_end\n", "", "  - code: decide_end", "which `request`"
    ),
    "request of a block": Seed("forms.yaml", BLOCK, f"{BLOCK}    request: proposed_end\n", BLOCK, "which `request`"),
    "review decided by a form": Seed("forms.yaml", "proposed_end\n", "review\n", "  - code: decide_end", "is one of"),
    "request that the agency has not": Seed(
        "forms.yaml", "request: proposed_end", "request: access_request", "request: access", "no kind `access_request`"
    ),
    "outcome that is not possible": Seed(
        "forms.yaml",
        "          - code: return\n",
        "          - code: merge\n",
        "        options:\n          - code: approve",
        "must be approve, reject, return",
    ),
    "form of nobody": Seed(
        "forms.yaml", BLOCK, "  - code: block_contact\n    kind: invitation\n", "kind: inv", "without inv"
    ),
    "attestations of a block": Seed(
        "forms.yaml", BLOCK, f"{BLOCK}    attestations: [list_reviewed]\n", BLOCK, "nothing keeps"
    ),
    "files with a block": Seed("forms.yaml", BLOCK, f"{BLOCK}    attachments: true\n", BLOCK, "no files go"),
    "problem of nobody": Seed("texts.yaml", "  last_manager:", "  last_one:", "  last_one:", "No problem has"),
    "word that is not the agency's": Seed(
        "texts.yaml", "  next_manager:", "  level_read:", "  level_read:", "may be worded here"
    ),
    "placeholder that nothing fills": Seed(
        "texts.yaml",
        "First name another responsible person whose",
        "First name {whom} whose",
        'en: "This person is',
        "whom",
    ),
}


@pytest.mark.parametrize("seed", OF_FORMS_AND_TEXTS.values(), ids=OF_FORMS_AND_TEXTS)
def test_a_fault_in_forms_of_managing_and_in_own_words_is_named(folder: Path, seed: Seed) -> None:
    line = sow(folder, seed)
    with pytest.raises(FaultyFiles) as refused:
        load(folder)
    assert_named(refused.value, folder, seed, line)


@pytest.mark.parametrize(
    ("content", "line", "reason"),
    [
        (b"code: ccq\nname: \xff\n", 2, "UTF-8"),
        (b"\n \n", 1, "empty"),
        (b"# " + b"x" * 2_000_000, 1, "larger than"),
        (b"# nothing\n", 1, "no data"),
        (b"code: ccq\nx: \x07\n", 2, "cannot be read"),
        (b"code: ccq\nx:\n  - 1\n  - 2026-02-30\n", 4, "cannot be read"),
        (b"code: ccq\n? [a]\n: b\n", 2, "plain word"),
        (b"- a\n- b\n", 1, "the whole file"),
        (b"a: !!python/name:os.system x\n", 1, "YAML"),
    ],
)
def test_a_file_that_is_no_data_is_named(folder: Path, content: bytes, line: int, reason: str) -> None:
    (folder / "agency.yaml").write_bytes(content)
    with pytest.raises(FaultyFiles) as refused:
        load(folder)
    (fault,) = refused.value.faults
    assert fault.line == line
    assert reason in fault.reason


def test_a_code_still_in_use_and_deleted_is_refused_with_file_and_line(ccq: Agency) -> None:
    ccq.require_codes({"subjects": {"profile"}, "linking_methods": {"linking_coordinates"}})
    with pytest.raises(FaultyFiles, match="`old_subject` is in use") as refused:
        ccq.require_codes({"subjects": {"profile", "old_subject"}, "linking_methods": {"paper"}})
    lines = {(fault.file.name, fault.line) for fault in refused.value.faults}
    catalogue = (CCQ / "catalogue.yaml").read_text(encoding="utf-8")
    linking = (CCQ / "linking.yaml").read_text(encoding="utf-8")
    assert lines == {
        ("catalogue.yaml", catalogue[: catalogue.index("\nsubjects:")].count("\n") + 2),
        ("linking.yaml", linking[: linking.index("\nmethods:")].count("\n") + 2),
    }


@pytest.mark.parametrize("kind", get_args(CodeKind))
def test_a_code_of_any_kind_is_found_missing(ccq: Agency, kind: CodeKind) -> None:
    with pytest.raises(FaultyFiles, match="`of_nobody` is in use and missing here"):
        ccq.require_codes({kind: {"of_nobody"}})


def test_a_method_is_not_called_as_links_without_one_are(folder: Path) -> None:
    linking = folder / "linking.yaml"
    text = linking.read_text(encoding="utf-8")
    linking.write_text(text.replace("code: linking_coordinates", "code: invitation"), encoding="utf-8")
    with pytest.raises(FaultyFiles, match="No method may be called `invitation`"):
        load(folder)


def test_terms_that_somebody_accepted_and_were_deleted_are_refused(ccq: Agency) -> None:
    ccq.require_terms({"2026-01"})
    with pytest.raises(FaultyFiles, match="accepted this version"):
        ccq.require_terms({"2026-01", "2025-09"})


@pytest.fixture
def ccq() -> Agency:
    return load(CCQ)
