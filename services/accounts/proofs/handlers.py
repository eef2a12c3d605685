"""Proving that it is the account's person who acts elsewhere."""

from dataclasses import dataclass, field

from chassis.outcomes import Refusal
from chassis.work import Work
from contracts.proofs import PasswordPurpose
from services.accounts.metrics import PROOFS
from services.accounts.proofs.domain import PASSWORD_PROOF, refuse_purpose
from services.accounts.sessions import reauthentication
from services.accounts.tokens import signing, storage
from services.accounts.tools import Tools


@dataclass(frozen=True)
class Prove:
    """The caller has entered the password again, for one act on what has this digest."""

    password: reauthentication.Proof
    purpose: PasswordPurpose
    digest: str = field(repr=False)


async def admit(work: Work[Tools], purpose: PasswordPurpose) -> Refusal | None:
    """Whether anything is proved for it here: before an attempt is counted, or a password hashed."""
    return refuse_purpose(work.tools.agency, purpose)


async def prove(work: Work[Tools], command: Prove) -> str | Refusal:
    """Sign the proof.

    The digest is not kept: it is of a text with names in it, which could be guessed from it when they are long erased.
    """
    own = await reauthentication.proven(work, command.password)
    if isinstance(own, Refusal):
        PROOFS.labels("refused").inc()
        return own
    jti = work.new_id()
    work.audit("proof_given", object_id=own.account.account_id, purpose=command.purpose, proof_id=str(jti))
    PROOFS.labels("proven").inc()
    claims = {"sub": str(own.account.account_id), "digest": command.digest}
    proof = signing.Proof("password", command.purpose, PASSWORD_PROOF, claims)
    return work.tools.signer.proof(await storage.signing(work.connection, work.now), proof, work.now, jti)
