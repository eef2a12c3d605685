"""Proving an address: whatever is known of it, the answer is one, and so is the mail."""

import math
from dataclasses import dataclass, field, replace
from datetime import timedelta
from uuid import UUID

from chassis import limits
from chassis.outcomes import Refusal
from chassis.work import Work
from contracts.agency.limits import LimitName
from contracts.events import Language
from contracts.notifications import AddressCodeMail, VerificationCodeContents
from contracts.proofs import AddressPurpose
from services.accounts import attempts, codes, mailing
from services.accounts.address_proofs import domain, storage
from services.accounts.address_proofs.domain import Accepted, AddressProof
from services.accounts.mailing import Delivery
from services.accounts.metrics import ADDRESS_PROOFS
from services.accounts.people import storage as people
from services.accounts.people.domain import PersonalFields, address_key
from services.accounts.proofs.domain import ADDRESS_PROOF, refuse_purpose
from services.accounts.tokens import signing
from services.accounts.tokens import storage as keys
from services.accounts.tools import Tools

ADDRESS_LIMIT: LimitName = "registration_per_address"  # mails with codes to an address, whatever they are for
TRIES_LIMIT: LimitName = "address_proof_tries"


@dataclass(frozen=True)
class Ask:
    """Somebody at `host` who reads `language` wants to prove an address."""

    email: str = field(repr=False)
    purpose: AddressPurpose
    language: Language
    host: str = field(repr=False)


@dataclass(frozen=True)
class Resend:
    """Somebody at `host` asks for another code."""

    proof_id: UUID
    host: str = field(repr=False)


@dataclass(frozen=True)
class Complete:
    """A code as submitted at `host`."""

    proof_id: UUID
    code: str = field(repr=False)
    host: str = field(repr=False)


async def ask(work: Work[Tools], command: Ask) -> Accepted | Refusal:
    """Send the one mail, with a code; nobody looks whether the address is anybody's.

    An address over its limit gets no mail and leaves no trace; the answer is the same, as for registrations, with whose
    mails those of here are counted.
    """
    refusal = refuse_purpose(work.tools.agency, command.purpose) or await attempts.by_network(
        work, "address_proof", command.host
    )
    if refusal:
        return refusal
    email_key = address_key(command.email)
    accepted = _accepted(work, work.new_id())
    if await attempts.by_mailbox(work, ADDRESS_LIMIT, email_key, command.host):
        ADDRESS_PROOFS.labels("over_limit").inc()
        return accepted
    reader = PersonalFields(
        account_id=accepted.proof_id,
        email=command.email,
        email_key=email_key,
        given_name="",
        family_name="",
        language=command.language,
        portal=None,
        fields={},
    )
    await people.insert_person(work.connection, reader)
    await storage.insert(
        work.connection,
        AddressProof(
            proof_id=accepted.proof_id,
            address=attempts.digest_of(work, email_key),
            purpose=command.purpose,
            requested_at=work.now,
            code_digest=_mail(work, accepted, reader),
            code_expires_at=accepted.expires_at,
            resend_after=accepted.resend_after,
            tries=0,
            proven_at=None,
        ),
    )
    work.audit("address_proof_requested", object_id=accepted.proof_id, purpose=command.purpose)
    return accepted


async def resend(work: Work[Tools], command: Resend) -> Accepted | Refusal:
    """Send another code; the one before dies, and wrong tries stay counted.

    An id that nobody drew, or whose address is proved, is answered like one that waits. Over the address's limit
    nothing is sent, and the last code stays good until it expires.
    """
    if refusal := await attempts.by_network(work, "address_proof", command.host):
        return refusal
    proof = await storage.lock(work.connection, command.proof_id)
    now = work.take_time()
    accepted = _accepted(work, command.proof_id)
    if proof is None or proof.proven_at is not None:
        return accepted
    if proof.tries >= work.tools.agency.limits.one_time_code.tries:
        return Refusal("address_proof_exhausted")
    if now < proof.resend_after:
        return limits.too_many(math.ceil((proof.resend_after - now).total_seconds()), "resend_too_soon")
    reader = await people.person(work.connection, proof.proof_id)
    if await attempts.by_mailbox(work, ADDRESS_LIMIT, reader.email_key, command.host):
        ADDRESS_PROOFS.labels("over_limit").inc()
        return replace(accepted, expires_at=proof.code_expires_at)
    renewed = replace(
        proof,
        code_digest=_mail(work, accepted, reader),
        code_expires_at=accepted.expires_at,
        resend_after=accepted.resend_after,
    )
    await storage.renew_code(work.connection, renewed)
    work.audit("address_proof_code_sent_again", object_id=proof.proof_id)
    return accepted


async def complete(work: Work[Tools], command: Complete) -> str | Refusal:
    """Sign the proof for the right code, once. Everything else is refused in the same words.

    The try is counted before the code is compared, twice: of this proof, and of its address over all of them.
    """
    if refusal := await attempts.by_network(work, "address_proof", command.host):
        return refusal
    tries = work.tools.agency.limits.one_time_code.tries
    proof = await storage.count_try(work.connection, command.proof_id, tries)
    now = work.take_time()
    if proof is None or not await _is_right(work, proof, command.code):
        work.audit("address_proof_code_refused", object_id=command.proof_id)
        ADDRESS_PROOFS.labels("refused").inc()
        return Refusal("code_refused")
    await storage.proven(work.connection, proof.proof_id, now)
    reader = await people.person(work.connection, proof.proof_id)
    jti = work.new_id()
    work.audit("address_proven", object_id=proof.proof_id, purpose=proof.purpose, proof_id=str(jti))
    ADDRESS_PROOFS.labels("proven").inc()
    claims = {"sub": str(proof.proof_id), "email": reader.email}
    signed = signing.Proof("email_code", proof.purpose, ADDRESS_PROOF, claims)
    return work.tools.signer.proof(await keys.signing(work.connection, work.now), signed, now, jti)


async def forget(work: Work[Tools], _: None) -> None:
    """Forget the addresses, proved or not: proofs have long ended."""
    await storage.forget(work.connection, work.now - domain.KEPT_FOR)


async def _is_right(work: Work[Tools], proof: AddressProof, code: str) -> bool:
    """Whether the code is right. What others tried for the address leaves each proof its first try."""
    spent = await attempts.by_digest(work, TRIES_LIMIT, proof.address)
    if spent and proof.tries > 1:
        return False
    matches = work.tools.keyring.matches(domain.code_purpose(proof.proof_id), code, proof.code_digest)
    return matches and proof.accepts_code(work.now)


def _accepted(work: Work[Tools], proof_id: UUID) -> Accepted:
    rule = work.tools.agency.limits.one_time_code
    return Accepted(
        proof_id,
        codes.new_handle(),
        expires_at=work.now + rule.lifetime,
        resend_after=work.now + timedelta(seconds=rule.resend_after_seconds),
    )


def _mail(work: Work[Tools], accepted: Accepted, reader: PersonalFields) -> str:
    """Ask for the mail. Returns the digest of the code in it."""
    code = codes.new_code()
    delivery = Delivery(
        recipient_id=accepted.proof_id,
        delivery_id=work.new_id(),
        handle=accepted.delivery_handle,
        expires_at=accepted.expires_at,
        replaces=f"address_proof:{accepted.proof_id}",
    )
    sealed = VerificationCodeContents(address=reader.email, given_name="", code=code)
    minutes = work.tools.agency.limits.one_time_code.minutes
    mailing.ask(work, AddressCodeMail, delivery, reader, sealed, minutes=minutes)
    ADDRESS_PROOFS.labels("code").inc()
    return work.tools.keyring.digest(domain.code_purpose(accepted.proof_id), code)
