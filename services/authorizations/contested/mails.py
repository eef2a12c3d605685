"""The mail that tells both accounts what an agent decided about a link."""

from collections.abc import Set
from datetime import datetime
from uuid import UUID

from chassis.work import Work
from contracts.notifications import Contents, LinkReviewedMail
from services.authorizations import mailing
from services.authorizations.contacts import storage as contacts
from services.authorizations.organizations import storage as organizations
from services.authorizations.requests.domain import Request
from services.authorizations.tools import Tools


async def reviewed(
    work: Work[Tools], request: Request, accounts: Set[UUID], *, ended_at: datetime | None = None, reason: str = ""
) -> None:
    """Tell each account, at its own verified address, as far as it is known; no account is named to the other."""
    organization_id = request.organization_id
    assert organization_id is not None
    organization = (await organizations.get(work.connection, [organization_id]))[organization_id]
    for account_id, person in sorted((await contacts.descriptions(work.connection, list(accounts))).items()):
        if person.email is None:
            continue
        envelope = mailing.envelope(
            work,
            account_id,
            person.language,
            Contents(address=person.email, given_name=person.given_name),
            organization,
            once=f"link_reviewed:{request.request_id}:{account_id}",
            keeps=mailing.WARNING_KEEPS,
        )
        work.publish(LinkReviewedMail(**envelope, ended_at=ended_at, decision_reason=reason))
