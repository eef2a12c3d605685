"""Keeping a signature, voiding it, erasing its person, and reading it as far as it is still what was signed."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from joserfc.errors import JoseError
from pydantic import ValidationError

from chassis.audit.chain import Entry
from chassis.audit.verifying import not_as_sealed
from chassis.database import Connection
from chassis.work import Work
from contracts.agency.mandates import MandateSide
from contracts.events import Language
from services.authorizations.signatures import storage
from services.authorizations.signatures.domain import Contents, Method, Signature, text_digest
from services.authorizations.signatures.storage import ERASED, SIGNED, VOIDED
from services.authorizations.tools import Tools

PROOFS_KEPT = timedelta(days=1)  # longer than any proof is good for


@dataclass(frozen=True)
class Sign:
    """A side signs a version of a request's text. `owner_id` is whose key seals it: the person as that side of it."""

    request_id: UUID
    organization_id: UUID
    text_version: int
    side: MandateSide
    owner_id: UUID
    account_id: UUID | None
    contact_id: UUID | None
    method: Method
    language: Language
    contents: Contents


@dataclass(frozen=True)
class ReadSignature:
    """A signature as it can be read. `contents` is None once its person was erased, or where it cannot be opened.

    `intact`: row, seal and audit are still what was signed; None: the audit that said so was deleted for its age.
    """

    signature: Signature
    contents: Contents | None
    intact: bool | None


@dataclass(frozen=True)
class ReadSignatures:
    """The signatures of a request, the oldest first. `missing`: ids of those of which the audit alone still tells."""

    kept: Sequence[ReadSignature]
    missing: Sequence[str]

    @property
    def intact(self) -> bool | None:
        """Whether all of it is what was signed; None: of some the audit is too old to say so."""
        found = {one.intact for one in self.kept}
        if self.missing or False in found:
            return False
        return None if None in found else True


async def sign(work: Work[Tools], command: Sign) -> UUID:
    """Keep a signature, sealed, and its digest in the audit of the organization. Call it with the request locked.

    Returns its id. Raises UniqueViolationError when the side has signed, which stands.
    """
    key_id, locked = await _key(work, command.owner_id)
    contents = command.contents.model_dump_json().encode()
    signature = Signature(
        signature_id=work.new_id(),
        request_id=command.request_id,
        text_version=command.text_version,
        side=command.side,
        key_id=key_id,
        account_id=command.account_id,
        contact_id=command.contact_id,
        method=command.method,
        language=command.language,
        signed_at=work.now,
        sealed=work.tools.vault.with_key(str(key_id), locked).lock(contents),
    )
    await storage.add(work.connection, signature)
    work.audit(
        SIGNED, organization_id=command.organization_id, object_id=command.request_id,
        signature_id=str(signature.signature_id), side=signature.side, text_version=signature.text_version,
        method=signature.method, digest=signature.digest,
    )  # fmt: skip
    return signature.signature_id


async def void(work: Work[Tools], request_id: UUID, organization_id: UUID) -> None:
    """A new text voids what was signed. Call it with the request locked."""
    for signature_id in await storage.void(work.connection, request_id, work.now):
        work.audit(VOIDED, organization_id=organization_id, object_id=request_id, signature_id=str(signature_id))


async def erase(work: Work[Tools], key_ids: Collection[UUID]) -> None:
    """Drop keys of persons: what they signed is unreadable from now on, and stays as a row that proves nothing more."""
    for key_id in await storage.drop_keys(work.connection, key_ids):
        work.audit(ERASED, object_id=key_id)


async def erase_account(work: Work[Tools], account_id: UUID) -> None:
    """Drop the keys of the person whom an account is."""
    await erase(work, await storage.keys_of_account(work.connection, account_id))


async def erase_request(work: Work[Tools], request_id: UUID) -> None:
    """Drop the keys of both sides of a request, once nothing has to be proven of it any more."""
    await erase(work, await storage.keys_of_request(work.connection, request_id))


async def read(connection: Connection, tools: Tools, request_id: UUID, now: datetime) -> ReadSignatures:
    """The signatures of a request, voided ones too, and whether each is what was signed."""
    kept = await storage.of_requests(connection, [request_id])
    key_ids = {signature.key_id for signature in kept}
    keys = await storage.keys(connection, key_ids)
    told = _Told(await storage.told(connection, [request_id, *key_ids]))
    faulty = await not_as_sealed(connection, told.entries)
    pruned_before = now - tools.agency.retention.audit.keeps
    signatures = [
        ReadSignature(signature, contents, _intact(signature, contents, told, faulty, pruned_before))
        for signature in kept
        for contents in [_opened(tools, signature, keys)]
    ]
    return ReadSignatures(signatures, sorted(told.signed.keys() - {str(one.signature_id) for one in kept}))


class _Told:
    """What the audit says, by the id of the signature or key that it is about."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self.entries = entries
        self.signed = self._by("signature_id", SIGNED)
        self.voided = self._by("signature_id", VOIDED)
        self.erased = {str(entry.object_id): entry for entry in entries if entry.action == ERASED}

    def _by(self, name: str, action: str) -> dict[str, Entry]:
        return {str(entry.detail.get(name)): entry for entry in self.entries if entry.action == action}


def _intact(
    signature: Signature,
    contents: Contents | None,
    told: _Told,
    faulty: Collection[int],
    pruned_before: datetime,
) -> bool | None:
    signature_id = str(signature.signature_id)
    signed, voided = told.signed.get(signature_id), told.voided.get(signature_id)
    erased = told.erased.get(str(signature.key_id))
    if signed is None and signature.signed_at < pruned_before:
        return None
    entries = [entry for entry in (signed, voided, erased) if entry is not None]
    return (
        signed is not None
        and signed.detail.get("digest") == signature.digest
        and (voided is None) == (signature.voided_at is None)
        and (contents is None) == (erased is not None)
        and (contents is None or text_digest(contents.text) == contents.digest)
        and not any(entry.id in faulty for entry in entries)
    )


def _opened(tools: Tools, signature: Signature, keys: Mapping[UUID, str]) -> Contents | None:
    locked = keys.get(signature.key_id)
    if locked is None:
        return None
    try:
        content = tools.vault.with_key(str(signature.key_id), locked).unlock(signature.sealed)
        return Contents.model_validate_json(content)
    except (JoseError, KeyError, ValueError, ValidationError):
        return None


async def _key(work: Work[Tools], owner_id: UUID) -> tuple[UUID, str]:
    """The person's key, which is made where there is none yet; of two made at once the first stays."""
    known = await storage.key_of(work.connection, owner_id)
    if known is None:
        await storage.add_key(work.connection, work.new_id(), owner_id, work.tools.vault.new_key(), work.now)
        known = await storage.key_of(work.connection, owner_id)
    assert known is not None
    return known


async def forget_proofs(work: Work[Tools], _: None) -> None:
    """Forget used proofs that nobody could use any more."""
    await storage.forget_proofs(work.connection, work.now - PROOFS_KEPT)
