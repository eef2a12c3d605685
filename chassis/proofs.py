"""Proofs: accounts' signed word that a password was entered again, or an address read, for one act here."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from chassis.outcomes import Refusal
from chassis.tokens import KeysUnavailable, NotAuthenticated, Verifier
from contracts.proofs import PROOF_AUDIENCE, PROOF_TYPE, ProofMethod


@dataclass(frozen=True)
class Proven:
    """What a proof says. `jti` is its own: who acts on it remembers that, and takes it once.

    Of a password: whose account, and the digest (SHA-256, hex) of what the act is on. Of a code: the address.
    """

    jti: UUID
    purpose: str
    method: ProofMethod
    proven_at: datetime
    account_id: UUID | None = None
    digest: str | None = field(default=None, repr=False)
    email: str | None = field(default=None, repr=False)


def verify(verifier: Verifier, proof: str, purpose: str, name: str = "proof") -> Proven | Refusal:
    """What a proof for this purpose says. Refused: proof_refused, whatever is wrong with it; unavailable without keys.

    `name` is the field in which it came. What it proves of whom is for the caller to compare: its own account, the
    digest of what it is about to do.
    """
    try:
        claims = verifier.signed_for_people(proof, PROOF_TYPE, PROOF_AUDIENCE)
        if claims["purpose"] != purpose:
            return Refusal("proof_refused", fields=(name,))
        jti, proven_at = UUID(claims["jti"]), datetime.fromtimestamp(claims["iat"], UTC)
        if claims["method"] == "password":
            return Proven(jti, purpose, "password", proven_at, UUID(claims["sub"]), str(claims["digest"]))
        return Proven(jti, purpose, "email_code", proven_at, email=str(claims["email"]))
    except KeysUnavailable:
        return Refusal("unavailable", retry_after=1)
    except (NotAuthenticated, KeyError, ValueError, TypeError, AttributeError):
        return Refusal("proof_refused", fields=(name,))
