"""Following what accounts tells: who an account is, and the sessions that ended."""

from uuid import UUID

from chassis.tokens import revoke
from chassis.work import Work
from contracts.accounts import Person as AccountState
from contracts.accounts import SessionsRevoked
from services.linking.accounts import storage
from services.linking.tools import Tools


async def end_sessions(work: Work[Tools], revoked: SessionsRevoked) -> None:
    """Tokens of the ended sessions are no longer taken here."""
    await revoke(work.connection, revoked.account_id, revoked.session_id, revoked.epoch)


async def follow_account(work: Work[Tools], state: AccountState) -> None:
    """Know the account's person; its epoch also ends older sessions, should their event have been missed."""
    if await storage.keep_account(work.connection, state):
        await revoke(work.connection, state.account_id, None, state.epoch)


async def forget_account(work: Work[Tools], account_id: UUID) -> None:
    """Erase what is known of the account's person. Its links stay, as ids."""
    await storage.forget_account(work.connection, account_id)
    work.audit("account_forgotten", object_id=account_id)
