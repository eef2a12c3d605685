"""Read an agency's folder, refuse it with every fault found, or hand back what it says."""

import hashlib
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

from contracts.agency import checks
from contracts.agency.accounts import Accounts
from contracts.agency.agency import Agency
from contracts.agency.campaigns import Campaigns
from contracts.agency.catalogue import Catalogue
from contracts.agency.files import Document, Fault, FaultyFiles, read_model, read_text
from contracts.agency.forms import Forms
from contracts.agency.limits import Limits
from contracts.agency.linking import Linking
from contracts.agency.mails import MAIL_KINDS, MailTemplates
from contracts.agency.matching import Matching
from contracts.agency.notices import Notices
from contracts.agency.profile import MAX_TERMS, TERMS_VERSION, AgencyProfile, Terms
from contracts.agency.relations import Relations
from contracts.agency.requests import Requests
from contracts.agency.retention import Retention
from contracts.agency.text import Coded, Policy
from contracts.events import LANGUAGES, Language

Read = TypeVar("Read")
Entry = TypeVar("Entry", bound=Coded)
Key = TypeVar("Key")
Value = TypeVar("Value")
File = TypeVar("File", bound=Policy)

POLICY_FILES = (
    "agency.yaml",
    "accounts.yaml",
    "catalogue.yaml",
    "relations.yaml",
    "linking.yaml",
    "campaigns.yaml",
    "limits.yaml",
    "matching.yaml",
    "requests.yaml",
    "notices.yaml",
    "retention.yaml",
    "forms.yaml",
)


class _Faults:
    """Collects the faults of several files, so that one run reports them all."""

    def __init__(self) -> None:
        self.found: list[Fault] = []

    def reading(self, read: Callable[[], Read]) -> Read | None:
        try:
            return read()
        except FaultyFiles as error:
            self.found.extend(error.faults)
            return None

    def stop_if_any(self) -> None:
        if self.found:
            raise FaultyFiles(self.found)


def load(folder: Path) -> Agency:
    """Everything in `folder` except demo/, read and cross-checked.

    Raises FaultyFiles with every fault of the files that could be read, each with file, line and reason.
    """
    faults = _Faults()

    def read(name: str, model: type[File]) -> tuple[Document, File] | None:
        return faults.reading(lambda: read_model(folder / name, model))

    profile = read("agency.yaml", AgencyProfile)
    accounts = read("accounts.yaml", Accounts)
    catalogue = read("catalogue.yaml", Catalogue)
    relations = read("relations.yaml", Relations)
    linking = read("linking.yaml", Linking)
    campaigns = read("campaigns.yaml", Campaigns)
    limits = read("limits.yaml", Limits)
    matching = read("matching.yaml", Matching)
    requests = read("requests.yaml", Requests)
    notices = read("notices.yaml", Notices)
    retention = read("retention.yaml", Retention)
    forms = read("forms.yaml", Forms)
    terms = {version: faults.reading(partial(_terms, folder, version)) for version in _terms_versions(folder)}
    mails = {kind: read(f"mails/{kind}.yaml", MailTemplates) for kind in MAIL_KINDS}
    faults.found.extend(_strangers(folder))

    if profile:
        faults.found.extend(_faulty_profile(*profile, folder, terms))
    if catalogue:
        faults.found.extend(checks.check_catalogue(*catalogue))
    if relations and catalogue:
        faults.found.extend(checks.check_relations(*relations, catalogue[1]))
    if accounts and relations:
        faults.found.extend(checks.check_accounts(*accounts, relations[1]))
    if linking:
        faults.found.extend(checks.check_linking(*linking))
    if campaigns and relations:
        faults.found.extend(checks.check_campaigns(*campaigns, relations[1]))
    if matching:
        faults.found.extend(checks.check_matching(*matching))
    if requests:
        faults.found.extend(checks.check_requests(*requests))
    if forms:
        faults.found.extend(checks.check_forms(*forms))
    read_mails = {kind: mail for kind, mail in mails.items() if mail}
    faults.found.extend(
        fault for kind, mail in read_mails.items() for fault in checks.check_mail(mail[0], kind, mail[1])
    )
    faults.stop_if_any()
    # What was not read left a fault, so none of these is None any more.
    assert profile
    assert accounts
    assert catalogue
    assert relations
    assert linking
    assert campaigns
    assert limits and matching
    assert requests
    assert notices and retention
    assert forms

    texts = {version: text for version, text in terms.items() if text}
    return Agency(
        folder=folder,
        version=_version(folder),
        profile=profile[1],
        terms=texts[profile[1].terms_version],
        terms_versions=MappingProxyType(texts),
        accounts=accounts[1],
        doors=_by_code(accounts[1].doors),
        organization_kinds=_by_code(catalogue[1].organization_kinds),
        subjects=_by_code(catalogue[1].subjects),
        relation_types=_by_code(relations[1].relation_types),
        linking_methods=_by_code(linking[1].methods),
        campaigns=_by_code(campaigns[1].campaigns),
        limits=limits[1],
        matching=matching[1],
        requests=requests[1],
        notices=notices[1],
        retention=retention[1],
        decision_reasons=_by_code(requests[1].reasons),
        categories=_by_code(forms[1].categories),
        forms=_by_code(forms[1].forms),
        attachment_rule=forms[1].attachment_rule,
        attestations=_frozen((a.code, a) for a in forms[1].attestations),  # versions rise: the newest stays
        attestation_versions=_frozen(((a.code, a.version), a) for a in forms[1].attestations),
        mails=_frozen((kind, mail[1]) for kind, mail in read_mails.items()),
        documents=MappingProxyType(
            {
                "organization_kinds": catalogue[0],
                "subjects": catalogue[0],
                "relation_types": relations[0],
                "linking_methods": linking[0],
                "campaigns": campaigns[0],
                "decision_reasons": requests[0],
                "forms": forms[0],
                "attestations": forms[0],
                "doors": accounts[0],
            }
        ),
    )


def _faulty_profile(
    document: Document, profile: AgencyProfile, folder: Path, terms: Collection[str]
) -> Iterator[Fault]:
    if profile.code != folder.name:
        yield document.fault(f"The code must be the folder's name, `{folder.name}`.", "code")
    if profile.terms_version not in terms:
        yield document.fault("No folder in terms/ has this version.", "terms_version")


def _terms_versions(folder: Path) -> list[str]:
    """The folders in terms/, in order of name."""
    return sorted(found.name for found in (folder / "terms").glob("*") if found.is_dir())


def _terms(folder: Path, version: str) -> Terms:
    texts: dict[Language, str] = {language: _terms_in(folder, version, language) for language in LANGUAGES}
    return Terms(version=version, **texts)


def _terms_in(folder: Path, version: str, language: Language) -> str:
    file = folder / "terms" / version / f"{language}.md"
    text = read_text(file).strip()
    if len(text) > MAX_TERMS:
        raise FaultyFiles([Fault(file, 1, f"The terms are longer than {MAX_TERMS} characters.")])
    return text


def _strangers(folder: Path) -> Iterator[Fault]:
    """Files that nothing reads: a misspelt name would otherwise be ignored in silence."""
    for file in sorted(folder.glob("*.y*ml")):
        if file.name not in POLICY_FILES:
            yield Fault(file, 1, f"No file of this name is read here; read are {', '.join(POLICY_FILES)}.")
    for file in sorted((folder / "terms").glob("*")):
        if not file.is_dir() or not re.match(TERMS_VERSION, file.name):
            yield Fault(file, 1, "Terms stand in a folder named for their version, as fr.md and en.md.")
    for file in sorted((folder / "mails").glob("*")):
        if file.suffix != ".yaml" or file.stem not in MAIL_KINDS:
            yield Fault(file, 1, f"No kind of mail has this name; the kinds are {', '.join(MAIL_KINDS)}.")


def _version(folder: Path) -> str:
    """The first 16 hex digits of the SHA-256 over names and contents of every file read above."""
    terms = (f"terms/{version}/{language}.md" for version in _terms_versions(folder) for language in LANGUAGES)
    names = (*POLICY_FILES, *terms, *(f"mails/{kind}.yaml" for kind in MAIL_KINDS))
    digest = hashlib.sha256()
    for name in sorted(names):
        digest.update(name.encode() + b"\0" + hashlib.sha256((folder / name).read_bytes()).digest())
    return digest.hexdigest()[:16]


def _by_code(entries: Sequence[Entry]) -> Mapping[str, Entry]:
    return _frozen((entry.code, entry) for entry in entries)


def _frozen(pairs: Iterable[tuple[Key, Value]]) -> Mapping[Key, Value]:
    return MappingProxyType(dict(pairs))
