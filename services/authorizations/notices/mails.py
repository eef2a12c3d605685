"""The digest: one mail for a reader and a day."""

import secrets
from collections.abc import Sequence
from datetime import date, timedelta

from chassis.work import Work
from contracts.notifications import Ending, Endings, EndsDigestContents, EndsDigestMail
from services.authorizations.contacts.storage import ContactRow
from services.authorizations.notices.domain import End, Matters
from services.authorizations.organizations.storage import OrganizationRow
from services.authorizations.tools import Tools

LIFE = timedelta(days=3)  # in which a mail still tells something that its reader does not find in the portal first
LONGEST = 25  # lines of a list: who has more to look at reads it in the portal


def digest(
    work: Work[Tools], reader: ContactRow, organization: OrganizationRow, matters: Matters, late_since: date | None
) -> None:
    """Tell one reader of everything at once, and since when that is late."""
    assert reader.email is not None
    ends = _endings(reader, matters.ends)
    contents = EndsDigestContents(address=reader.email, given_name=reader.given_name, ends=ends)
    work.publish(
        EndsDigestMail(
            recipient_id=reader.contact_id,
            delivery_id=work.new_id(),
            handle=secrets.token_urlsafe(24),
            language=reader.language,
            priority="bulk",
            expires_at=work.now + LIFE,
            deduplication_id=f"ends_digest:{work.today}:{reader.contact_id}",
            sealed=work.tools.sealer.seal("notifications", contents),
            organization_name=organization.legal_name,
            organization_number=organization.number,
            day=work.today,
            confirm_by=matters.confirm_by,
            late_since=late_since,
        )
    )


def _endings(reader: ContactRow, ends: Sequence[End]) -> Endings:
    listed = ends if len(ends) <= LONGEST else ends[: LONGEST - 1]
    return Endings(
        listed=tuple(
            Ending(
                ends_on=end.ends_on,
                organization_name=end.organization_name,
                member_name="" if end.holder_id == reader.contact_id else end.member_name,
                function=end.function,
                subject=end.subject,
            )
            for end in listed
        ),
        more=len(ends) - len(listed),
    )
