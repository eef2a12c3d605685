"""The digest: one mail for a reader and a day."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from chassis.work import Work
from contracts.notifications import DigestFile, DigestFiles, Ending, Endings, EndsDigestMail
from services.authorizations import mailing
from services.authorizations.contacts.domain import ContactFile
from services.authorizations.mailing.lines import first_lines
from services.authorizations.notices.domain import Matters
from services.authorizations.organizations.storage import OrganizationRow
from services.authorizations.tools import Tools


@dataclass(frozen=True)
class News:
    """What there is to tell to a contact about its organization, and since when that is late."""

    reader: ContactFile
    organization: OrganizationRow
    matters: Matters
    late_since: date | None


def by_recipient(news: Sequence[News], accounts: Mapping[UUID, UUID]) -> list[list[News]]:
    """What goes into each mail: all there is to tell one account, whose files go by name; or a contact without one.

    `accounts` are those of the readers who are linked.
    """
    found: dict[UUID, list[News]] = defaultdict(list)
    for one in sorted(news, key=lambda one: (one.organization.legal_name, one.reader.contact_id)):
        found[accounts.get(one.reader.contact_id, one.reader.contact_id)].append(one)
    return list(found.values())


async def digest(work: Work[Tools], news: Sequence[News]) -> None:
    """Tell one person of everything at once, in the mail to the first file, and since when that is late."""
    first, *others = news
    reader = first.reader
    await mailing.tell(
        work, EndsDigestMail, mailing.to(reader.contact_id, reader), first.organization, bound="daily",
        once=f"ends_digest:{work.today}:{reader.contact_id}", ends=_endings(news), others=_files(others),
        day=work.today, confirm_by=first.matters.confirm_by,
        late_since=min((one.late_since for one in news if one.late_since is not None), default=None),
    )  # fmt: skip


def _endings(news: Sequence[News]) -> Endings:
    own = {one.reader.contact_id for one in news}
    ends = sorted((end for one in news for end in one.matters.ends), key=lambda end: end.ends_on)
    listed = first_lines(ends)
    return Endings(
        listed=tuple(
            Ending(
                ends_on=end.ends_on,
                organization_name=end.organization_name,
                member_name="" if end.holder_id in own else end.member_name,
                function=end.function,
                subject=end.subject,
            )
            for end in listed
        ),
        more=len(ends) - len(listed),
    )


def _files(news: Sequence[News]) -> DigestFiles:
    listed = first_lines(news)
    return DigestFiles(
        listed=tuple(
            DigestFile(
                organization_name=one.organization.legal_name,
                organization_number=one.organization.number,
                confirm_by=one.matters.confirm_by,
            )
            for one in listed
        ),
        more=len(news) - len(listed),
    )
