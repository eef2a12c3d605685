"""The mails that this service asks for: what all of them carry, whatever they say."""

import secrets
from datetime import timedelta
from typing import Any, Protocol
from uuid import UUID

from chassis.work import Work
from contracts.events import Code, Language
from contracts.notifications import Contents
from services.authorizations.organizations.storage import OrganizationRow
from services.authorizations.tools import Tools

READER = "notifications"  # whom the contents are sealed to

NEWS_KEEPS = timedelta(
    days=3
)  # in which a mail still tells something that its reader does not find in the portal first

WARNING_KEEPS = timedelta(days=30)  # whoever may have lost something wants to know it late rather than never


class Reader(Protocol):
    """Whoever a mail goes to."""

    @property
    def language(self) -> Language:
        """In which they read it."""

    @property
    def portal(self) -> Code | None:
        """Where its links lead: where the person began, or for None to the agency's first portal."""


def envelope(
    work: Work[Tools],
    recipient_id: UUID,
    reader: Reader,
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
        "language": reader.language,
        "portal": reader.portal,
        "priority": "normal",
        "expires_at": work.now + keeps,
        "deduplication_id": once,
        "sealed": work.tools.sealer.seal(READER, contents),
        "organization_name": organization.legal_name,
        "organization_number": organization.number,
    }
