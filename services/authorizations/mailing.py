"""The mails that this service asks for: what all of them carry, whatever they say."""

import secrets
from datetime import timedelta
from typing import Any
from uuid import UUID

from chassis.work import Work
from contracts.events import Language
from contracts.notifications import Contents
from services.authorizations.organizations.storage import OrganizationRow
from services.authorizations.tools import Tools

READER = "notifications"  # whom the contents are sealed to

NEWS_KEEPS = timedelta(
    days=3
)  # in which a mail still tells something that its reader does not find in the portal first

WARNING_KEEPS = timedelta(days=30)  # whoever may have lost something wants to know it late rather than never


def envelope(
    work: Work[Tools],
    recipient_id: UUID,
    language: Language,
    contents: Contents,
    organization: OrganizationRow,
    *,
    once: str,
    keeps: timedelta = NEWS_KEEPS,
) -> dict[str, Any]:
    """The fields of a mail about an organization's file, for one reader; nobody else holds its handle.

    `once` names what it tells: of two mails that tell the same, the reader gets the first. After `keeps` it never goes.
    """
    return {
        "recipient_id": recipient_id,
        "delivery_id": work.new_id(),
        "handle": secrets.token_urlsafe(24),
        "language": language,
        "priority": "normal",
        "expires_at": work.now + keeps,
        "deduplication_id": once,
        "sealed": work.tools.sealer.seal(READER, contents),
        "organization_name": organization.legal_name,
        "organization_number": organization.number,
    }
