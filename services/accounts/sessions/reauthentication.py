"""A person who is signed in proves once more who they are, before something that a stolen token must not do."""

from dataclasses import dataclass, field
from uuid import UUID

from chassis.outcomes import Refusal
from chassis.work import Work
from services.accounts import attempts, passwords
from services.accounts.people import handlers as people
from services.accounts.people import storage
from services.accounts.people.handlers import OwnAccount
from services.accounts.tools import AccountsCall, Tools

ATTEMPTS = "reauthentication"
"""What the attempts are counted as."""


@dataclass(frozen=True)
class Proof:
    """The outcome of comparing the caller's password with this hash, outside any transaction."""

    account_id: UUID
    password_hash: str = field(repr=False)
    password_is_right: bool


async def compare(call: AccountsCall, account_id: UUID, password: str) -> Proof:
    """Compare the caller's password, counted beforehand. Raises ProblemRaised: too_many_attempts."""
    password_hash = await call.run(count_attempt, account_id)
    right = await call.tools.hasher.verify(password_hash, passwords.normalized(password))
    return Proof(account_id, password_hash, right)


async def count_attempt(work: Work[Tools], account_id: UUID) -> str | Refusal:
    """Count it for the account, as many as sign-ins: strangers spend nothing of it. Returns the hash to compare."""
    if refusal := await attempts.by_account(work, ATTEMPTS, "sign_in", account_id):
        return refusal
    return await storage.password_hash(work.connection, account_id)


async def proven(work: Work[Tools], proof: Proof) -> OwnAccount | Refusal:
    """The caller's account, ours until the transaction ends, if the password was right and still is the same."""
    own = await people.lock(work, proof.account_id)
    same = await storage.password_hash(work.connection, proof.account_id) == proof.password_hash
    if not (proof.password_is_right and same and own.account.status == "active"):
        work.audit("reauthentication_refused", object_id=proof.account_id)
        return Refusal("password_wrong", fields=("password",))
    await attempts.forgive_account(work, ATTEMPTS, proof.account_id)
    return own
