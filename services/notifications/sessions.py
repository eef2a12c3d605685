"""Sessions that ended, as accounts tells: this gateway takes their tokens no more than any other."""

from chassis.tokens import revoke
from chassis.work import Work
from contracts.accounts import SessionsRevoked
from services.notifications.tools import Tools


async def end_sessions(work: Work[Tools], revoked: SessionsRevoked) -> None:
    """A session, or every session before an epoch, is over here too."""
    await revoke(work.connection, revoked.account_id, revoked.session_id, revoked.epoch)
