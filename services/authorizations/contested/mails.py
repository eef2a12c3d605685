"""The mail that tells both accounts what an agent decided about a link."""

import secrets
from collections.abc import Set
from datetime import datetime, timedelta
from uuid import UUID

from chassis.work import Work
from contracts.notifications import Contents, LinkReviewedMail
from services.authorizations.contacts import storage as contacts
from services.authorizations.organizations import storage as organizations
from services.authorizations.requests.domain import Request
from services.authorizations.tools import Tools

LIFE = timedelta(days=30)  # whoever lost a link, or did not get one, wants to know it late rather than never


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
        work.publish(
            LinkReviewedMail(
                recipient_id=account_id,
                delivery_id=work.new_id(),
                handle=secrets.token_urlsafe(24),
                language=person.language,
                priority="normal",
                expires_at=work.now + LIFE,
                deduplication_id=f"link_reviewed:{request.request_id}:{account_id}",
                sealed=work.tools.sealer.seal(
                    "notifications", Contents(address=person.email, given_name=person.given_name)
                ),
                organization_name=organization.legal_name,
                organization_number=organization.number,
                ended_at=ended_at,
                decision_reason=reason,
            )
        )
