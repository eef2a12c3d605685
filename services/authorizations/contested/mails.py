"""The mails that tell accounts what became of a link about which an agent was asked."""

from collections.abc import Set
from datetime import date, datetime
from typing import Any
from uuid import UUID

from chassis.work import Work
from contracts.notifications import LinkNotReviewedMail, LinkReviewedMail, MailRequest
from services.authorizations import mailing
from services.authorizations.mailing.budgets import Bound
from services.authorizations.organizations import storage as organizations
from services.authorizations.personal.storage import descriptions
from services.authorizations.requests.domain import Request
from services.authorizations.tools import Tools


async def reviewed(
    work: Work[Tools], request: Request, accounts: Set[UUID], *, ended_at: datetime | None = None, reason: str = ""
) -> None:
    """Tell each account what was decided; no account is named to the other."""
    said = {"ended_at": ended_at, "decision_reason": reason}
    await _tell(work, LinkReviewedMail, request, accounts, bound="agents", **said)


async def not_reviewed(work: Work[Tools], request: Request, account_id: UUID, lapsed_on: date | None) -> None:
    """Tell who tried that nobody decided in time, or without `lapsed_on` that nothing stands in the way any more."""
    await _tell(work, LinkNotReviewedMail, request, {account_id}, bound="own_doing", lapsed_on=lapsed_on)


async def _tell(
    work: Work[Tools], mail: type[MailRequest], request: Request, accounts: Set[UUID], *, bound: Bound, **said: Any
) -> None:
    """Each account at its own verified address, as far as it is known."""
    organization_id = request.organization_id
    assert organization_id is not None
    organization = await organizations.one(work.connection, organization_id)
    for account_id, person in sorted((await descriptions(work.connection, list(accounts))).items()):
        once = f"{mail.mail}:{request.request_id}:{account_id}"
        reader = mailing.to(account_id, person)
        await mailing.tell(
            work, mail, reader, organization, bound=bound, once=once, keeps=mailing.WARNING_KEEPS, **said
        )
