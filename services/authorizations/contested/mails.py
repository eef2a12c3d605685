"""The mails that tell accounts what became of a link about which an agent was asked."""

from collections.abc import Set
from datetime import date, datetime
from typing import Any
from uuid import UUID

from chassis.work import Work
from contracts.notifications import Contents, LinkNotReviewedMail, LinkReviewedMail
from services.authorizations import mailing
from services.authorizations.organizations import storage as organizations
from services.authorizations.personal.storage import descriptions
from services.authorizations.requests.domain import Request
from services.authorizations.tools import Tools


async def reviewed(
    work: Work[Tools], request: Request, accounts: Set[UUID], *, ended_at: datetime | None = None, reason: str = ""
) -> None:
    """Tell each account what was decided; no account is named to the other."""
    for envelope in await _envelopes(work, "link_reviewed", request, accounts):
        work.publish(LinkReviewedMail(**envelope, ended_at=ended_at, decision_reason=reason))


async def not_reviewed(work: Work[Tools], request: Request, account_id: UUID, lapsed_on: date | None) -> None:
    """Tell who tried that nobody decided in time, or without `lapsed_on` that nothing stands in the way any more."""
    for envelope in await _envelopes(work, "link_not_reviewed", request, {account_id}):
        work.publish(LinkNotReviewedMail(**envelope, lapsed_on=lapsed_on))


async def _envelopes(work: Work[Tools], kind: str, request: Request, accounts: Set[UUID]) -> list[dict[str, Any]]:
    """One for each account, to its own verified address, as far as it is known."""
    organization_id = request.organization_id
    assert organization_id is not None
    organization = (await organizations.get(work.connection, [organization_id]))[organization_id]
    return [
        mailing.envelope(
            work,
            account_id,
            person,
            Contents(address=person.email, given_name=person.given_name),
            organization,
            once=f"{kind}:{request.request_id}:{account_id}",
            keeps=mailing.WARNING_KEEPS,
        )
        for account_id, person in sorted((await descriptions(work.connection, list(accounts))).items())
        if person.email is not None
    ]
