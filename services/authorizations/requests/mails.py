"""The mails that tell of requests: to those who have to decide, and to both sides when one has ended or came back."""

import secrets
from datetime import timedelta
from typing import Any

from chassis.work import Work
from contracts.notifications import Contents, RequestDecidedMail, RequestReceivedMail
from services.authorizations.contacts.storage import ContactRow
from services.authorizations.organizations.storage import OrganizationRow
from services.authorizations.requests.domain import Request, Told
from services.authorizations.tools import Tools

LIFE = timedelta(days=3)  # in which a mail still tells something that its reader does not find in the portal first


def received(
    work: Work[Tools], request: Request, reader: ContactRow, organization: OrganizationRow, concerning: str
) -> None:
    """Ask one of those who decide."""
    if reader.email is not None:
        work.publish(
            RequestReceivedMail(
                **_mail(work, f"request_received:{request.request_id}:{request.version}", reader, organization),
                request_kind=request.kind,
                concerning=concerning,
                lapses_on=request.lapses_on,
            )
        )


def decided(
    work: Work[Tools],
    request: Request,
    outcome: Told,
    reason: str | None,
    reader: ContactRow,
    organization: OrganizationRow,
    concerning: str,
) -> None:
    """Tell one person of one side how it ended, or that it came back."""
    if reader.email is not None:
        work.publish(
            RequestDecidedMail(
                **_mail(work, f"request_decided:{request.request_id}:{request.version}", reader, organization),
                request_kind=request.kind,
                outcome=outcome,
                concerning=concerning,
                decision_reason=reason or "",
            )
        )


def _mail(work: Work[Tools], purpose: str, reader: ContactRow, organization: OrganizationRow) -> dict[str, Any]:
    assert reader.email is not None
    contents = Contents(address=reader.email, given_name=reader.given_name)
    return {
        "recipient_id": reader.contact_id,
        "delivery_id": work.new_id(),
        "handle": secrets.token_urlsafe(24),
        "language": reader.language,
        "priority": "normal",
        "expires_at": work.now + LIFE,
        "deduplication_id": f"{purpose}:{reader.contact_id}",
        "sealed": work.tools.sealer.seal("notifications", contents),
        "organization_name": organization.legal_name,
        "organization_number": organization.number,
    }
