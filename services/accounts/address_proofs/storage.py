"""The table `address_proofs`; the addresses themselves stand in `people`, under the proofs' ids."""

from datetime import datetime
from uuid import UUID

from chassis.database import Connection
from services.accounts.address_proofs.domain import AddressProof

COLUMNS = "proof_id, address, purpose, requested_at, code_digest, code_expires_at, resend_after, tries, proven_at"
INSERT = f"insert into address_proofs ({COLUMNS}) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
LOCK = f"select {COLUMNS} from address_proofs where proof_id = $1 for update"
COUNT_TRY = f"update address_proofs set tries = tries + 1 where proof_id = $1 and tries < $2 returning {COLUMNS}"
RENEW_CODE = "update address_proofs set code_digest = $2, code_expires_at = $3, resend_after = $4 where proof_id = $1"
PROVEN = "update address_proofs set proven_at = $2 where proof_id = $1"
FORGET = """
with gone as (delete from address_proofs where requested_at < $1 returning proof_id)
delete from people using gone where account_id = proof_id
"""


async def insert(connection: Connection, proof: AddressProof) -> None:
    """Keep what is to be proved."""
    await connection.execute(
        INSERT,
        proof.proof_id,
        proof.address,
        proof.purpose,
        proof.requested_at,
        proof.code_digest,
        proof.code_expires_at,
        proof.resend_after,
        proof.tries,
        proof.proven_at,
    )


async def lock(connection: Connection, proof_id: UUID) -> AddressProof | None:
    """One of them, ours until the transaction ends."""
    row = await connection.fetchrow(LOCK, proof_id)
    return AddressProof(**row) if row else None


async def count_try(connection: Connection, proof_id: UUID, most: int) -> AddressProof | None:
    """Count one try, and lock it. None when it has had `most`, or does not exist."""
    row = await connection.fetchrow(COUNT_TRY, proof_id, most)
    return AddressProof(**row) if row else None


async def renew_code(connection: Connection, proof: AddressProof) -> None:
    """Another code takes the place of the one before."""
    await connection.execute(RENEW_CODE, proof.proof_id, proof.code_digest, proof.code_expires_at, proof.resend_after)


async def proven(connection: Connection, proof_id: UUID, now: datetime) -> None:
    """The code is spent."""
    await connection.execute(PROVEN, proof_id, now)


async def forget(connection: Connection, before: datetime) -> None:
    """Delete those asked for before, with their addresses."""
    await connection.execute(FORGET, before)
