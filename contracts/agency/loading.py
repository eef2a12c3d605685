"""Read an agency's folder, refuse it with every fault found, or hand back what it says."""

import hashlib
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, Generic, TypeVar, get_args, get_type_hints

from contracts.agency import checks, mail_checks, mandate_checks
from contracts.agency.accounts import Accounts
from contracts.agency.agency import Agency
from contracts.agency.campaigns import Campaigns
from contracts.agency.catalogue import Catalogue
from contracts.agency.features import features
from contracts.agency.files import Document, Fault, FaultyFiles, read_model, read_text
from contracts.agency.forms import Forms
from contracts.agency.help import Help
from contracts.agency.letters import LETTER_KINDS, Letter, LetterKind
from contracts.agency.limits import Limits
from contracts.agency.linking import Linking
from contracts.agency.mails import MAIL_KINDS, MailTemplates
from contracts.agency.managing import Managing
from contracts.agency.mandates import Mandates
from contracts.agency.matching import Matching
from contracts.agency.misuse import Misuse
from contracts.agency.notices import Notices
from contracts.agency.profile import MAX_TERMS, TERMS_VERSION, AgencyProfile, Terms
from contracts.agency.questionnaires import Questionnaires
from contracts.agency.relations import Relations
from contracts.agency.requests import Requests
from contracts.agency.retention import Retention
from contracts.agency.text import Coded, Policy
from contracts.agency.texts import OwnTexts
from contracts.events import LANGUAGES, Language
from contracts.notifications import Feature

Read = TypeVar("Read")
Entry = TypeVar("Entry", bound=Coded)
Key = TypeVar("Key")
Value = TypeVar("Value")
File = TypeVar("File", bound=Policy)


class Unread(Exception):
    """The file left a fault, so there is nothing to say of it."""


@dataclass(frozen=True)
class PolicyFile(Generic[File]):
    """One of the folder's files, as far as it could be read."""

    content: tuple[Document, File] | None

    @property
    def read(self) -> tuple[Document, File]:
        """Its document and its policy. Raises Unread."""
        if self.content is None:
            raise Unread
        return self.content

    @property
    def document(self) -> Document:
        """What knows its lines. Raises Unread."""
        return self.read[0]

    @property
    def policy(self) -> File:
        """What it says. Raises Unread."""
        return self.read[1]


@dataclass(frozen=True)
class PolicyFiles:
    """The files that a folder holds: each field is one, `accounts` is accounts.yaml.

    One of which nothing is required may be absent, and says then what it says when empty; so may those of WITHOUT.
    """

    agency: PolicyFile[AgencyProfile]
    accounts: PolicyFile[Accounts]
    catalogue: PolicyFile[Catalogue]
    relations: PolicyFile[Relations]
    linking: PolicyFile[Linking]
    campaigns: PolicyFile[Campaigns]
    limits: PolicyFile[Limits]
    matching: PolicyFile[Matching]
    requests: PolicyFile[Requests]
    managing: PolicyFile[Managing]
    mandates: PolicyFile[Mandates]
    questionnaires: PolicyFile[Questionnaires]
    misuse: PolicyFile[Misuse]
    notices: PolicyFile[Notices]
    retention: PolicyFile[Retention]
    forms: PolicyFile[Forms]
    help: PolicyFile[Help]
    texts: PolicyFile[OwnTexts]


MODELS: Mapping[str, type[Policy]] = {
    f"{name}.yaml": get_args(kind)[0] for name, kind in get_type_hints(PolicyFiles).items()
}
"""What each file is read into."""

WITHOUT = frozenset({"mandates.yaml"})
"""Files that an agency is without which has none of what they say; absent they say nothing."""


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

    def checking(self, check: Callable[[], Iterable[Fault]]) -> None:
        """What concerns a file that could not be read waits until it can be."""
        with suppress(Unread):
            self.found.extend(check())

    def stop_if_any(self) -> None:
        if self.found:
            raise FaultyFiles(self.found)


def load(folder: Path) -> Agency:
    """Everything in `folder` except demo/, read and cross-checked.

    Raises FaultyFiles with every fault of the files that could be read, each with file, line and reason.
    """
    faults = _Faults()
    read: dict[str, Any] = {  # each field's own kind of file, as MODELS has it from there
        name.removesuffix(".yaml"): PolicyFile(
            None
            if name in WITHOUT and not (folder / name).exists()
            else faults.reading(partial(_policy, folder / name, model))
        )
        for name, model in MODELS.items()
    }
    files = PolicyFiles(**read)
    terms = {version: faults.reading(partial(_terms, folder, version)) for version in _terms_versions(folder)}
    worded = [kind for kind in MAIL_KINDS if (folder / "mails" / f"{kind}.yaml").exists()]
    mails = {
        kind: mail
        for kind in worded
        if (mail := faults.reading(partial(read_model, folder / "mails" / f"{kind}.yaml", MailTemplates)))
    }
    letters: dict[str, Letter] = {
        kind: letter[1]
        for kind in _worded(folder)
        if (letter := faults.reading(partial(read_model, folder / "letters" / f"{kind}.yaml", Letter)))
    }
    faults.found.extend(_strangers(folder))
    for check in _checks(files, folder, terms, worded):
        faults.checking(check)
    for kind, mail in mails.items():
        faults.found.extend(mail_checks.check_mail(mail[0], kind, mail[1]))
    faults.stop_if_any()
    return _agency(files, folder, terms, {kind: mail[1] for kind, mail in mails.items()}, letters)


def _policy(file: Path, model: type[File]) -> tuple[Document, File]:
    """A file, or where there is none and nothing is required, what an empty one says. Raises FaultyFiles."""
    if file.exists() or any(field.is_required() for field in model.model_fields.values()):
        return read_model(file, model)
    return Document.absent(file), model()


def _checks(
    files: PolicyFiles, folder: Path, terms: Collection[str], worded: Collection[str]
) -> Sequence[Callable[[], Iterable[Fault]]]:
    def present() -> frozenset[Feature]:
        read = (files.accounts.policy, files.relations.policy, files.linking.policy, files.campaigns.policy)
        return features(*read, files.forms.policy, files.managing.policy, besides=_besides(files))

    return (
        lambda: _faulty_profile(*files.agency.read, folder, terms),
        lambda: checks.check_portals(*files.agency.read, present()),
        lambda: checks.check_catalogue(*files.catalogue.read),
        lambda: checks.check_relations(*files.relations.read, files.catalogue.policy),
        lambda: checks.check_accounts(*files.accounts.read, files.relations.policy),
        lambda: checks.check_linking(
            *files.linking.read, files.catalogue.policy, files.relations.policy, files.limits.policy
        ),
        lambda: checks.check_letters(folder / "letters", _worded(folder), files.linking.policy),
        lambda: checks.check_campaigns(*files.campaigns.read, files.relations.policy),
        lambda: checks.check_matching(*files.matching.read),
        lambda: checks.check_limits(*files.limits.read, present()),
        lambda: checks.check_requests(*files.requests.read, present()),
        lambda: checks.check_managing(*files.managing.read, files.relations.policy),
        lambda: checks.check_forms(*files.forms.read, files.requests.policy, present()),
        lambda: mandate_checks.check_questionnaires(*files.questionnaires.read, present()),
        lambda: mandate_checks.check_mandates(
            *files.mandates.read,
            files.catalogue.policy,
            files.relations.policy,
            files.forms.policy,
            files.questionnaires.policy,
        ),
        lambda: checks.check_help(*files.help.read),
        lambda: checks.check_texts(*files.texts.read),
        lambda: mail_checks.check_missing(folder / "mails", worded, present()),
    )


def _besides(files: PolicyFiles) -> Sequence[Feature]:
    """What the agency has because a file is there, or says anything. Raises Unread."""
    found: list[Feature] = []
    if files.mandates.content is not None:
        found.append("mandates")
    if files.misuse.policy.reasons:
        found.append("misuse_reports")
    return found


def _agency(
    files: PolicyFiles,
    folder: Path,
    terms: Mapping[str, Terms | None],
    mails: Mapping[str, MailTemplates],
    letters: Mapping[str, Letter],
) -> Agency:
    texts = {version: text for version, text in terms.items() if text}
    profile, accounts, catalogue = files.agency.policy, files.accounts.policy, files.catalogue.policy
    relations, linking, campaigns = files.relations.policy, files.linking.policy, files.campaigns.policy
    requests, forms = files.requests.policy, files.forms.policy
    return Agency(
        folder=folder,
        version=_version(folder),
        profile=profile,
        terms=texts[profile.terms_version],
        terms_versions=MappingProxyType(texts),
        accounts=accounts,
        doors=_by_code(accounts.doors),
        organization_kinds=_by_code(catalogue.organization_kinds),
        subjects=_by_code(catalogue.subjects),
        relation_types=_by_code(relations.relation_types),
        linking_methods=_by_code(linking.methods),
        campaigns=_by_code(campaigns.campaigns),
        limits=files.limits.policy,
        matching=files.matching.policy,
        requests=requests,
        managing=files.managing.policy,
        managing_reasons=_by_code(files.managing.policy.reasons),
        mandates=files.mandates.content[1] if files.mandates.content else None,
        questionnaires=_by_code(files.questionnaires.policy.questionnaires),
        misuse=files.misuse.policy,
        misuse_reasons=_by_code(files.misuse.policy.reasons),
        notices=files.notices.policy,
        retention=files.retention.policy,
        decision_reasons=_by_code(requests.reasons),
        categories=_by_code(forms.categories),
        forms=_by_code(forms.forms),
        attachment_rule=forms.attachment_rule,
        help=files.help.policy,
        texts=files.texts.policy.texts(),
        attestations=_frozen((a.code, a) for a in forms.attestations),  # versions rise: the newest stays
        attestation_versions=_frozen(((a.code, a.version), a) for a in forms.attestations),
        mails=MappingProxyType(mails),
        features=features(
            accounts,
            relations,
            linking,
            campaigns,
            forms,
            files.managing.policy,
            besides=_besides(files),
        ),
        letters=MappingProxyType(letters),
        documents=MappingProxyType(
            {
                "organization_kinds": files.catalogue.document,
                "subjects": files.catalogue.document,
                "relation_types": files.relations.document,
                "linking_methods": files.linking.document,
                "capacities": files.linking.document,
                "campaigns": files.campaigns.document,
                "decision_reasons": files.requests.document,
                "managing_reasons": files.managing.document,
                "forms": files.forms.document,
                "attestations": files.forms.document,
                "questionnaires": files.questionnaires.document,
                "misuse_reasons": files.misuse.document,
                "doors": files.accounts.document,
                "portals": files.agency.document,
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
        if file.name not in MODELS:
            yield Fault(file, 1, f"No file of this name is read here; read are {', '.join(MODELS)}.")
    for file in sorted((folder / "terms").glob("*")):
        if not file.is_dir() or not re.match(TERMS_VERSION, file.name):
            yield Fault(file, 1, "Terms stand in a folder named for their version, as fr.md and en.md.")
    for file in sorted((folder / "mails").glob("*")):
        if file.suffix != ".yaml" or file.stem not in MAIL_KINDS:
            yield Fault(file, 1, f"No kind of mail has this name; the kinds are {', '.join(MAIL_KINDS)}.")
    for file in sorted((folder / "letters").glob("*")):
        if file.suffix != ".yaml" or file.stem not in LETTER_KINDS:
            yield Fault(file, 1, f"No kind of letter has this name; the kinds are {', '.join(LETTER_KINDS)}.")


def _worded(folder: Path) -> list[LetterKind]:
    """The kinds of letters that the folder words."""
    return [kind for kind in LETTER_KINDS if (folder / "letters" / f"{kind}.yaml").exists()]


def _version(folder: Path) -> str:
    """The first 16 hex digits of the SHA-256 over names and contents of every file there is of those read above."""
    terms = (f"terms/{version}/{language}.md" for version in _terms_versions(folder) for language in LANGUAGES)
    names = (*MODELS, *terms, *(f"mails/{kind}.yaml" for kind in MAIL_KINDS))
    names = (*names, *(f"letters/{kind}.yaml" for kind in _worded(folder)))
    digest = hashlib.sha256()
    for name in sorted(name for name in names if (folder / name).exists()):
        digest.update(name.encode() + b"\0" + hashlib.sha256((folder / name).read_bytes()).digest())
    return digest.hexdigest()[:16]


def _by_code(entries: Sequence[Entry]) -> Mapping[str, Entry]:
    return _frozen((entry.code, entry) for entry in entries)


def _frozen(pairs: Iterable[tuple[Key, Value]]) -> Mapping[Key, Value]:
    return MappingProxyType(dict(pairs))
