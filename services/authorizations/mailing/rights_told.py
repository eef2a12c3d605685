"""Telling a person of what they may do for their organization: what they were given, and what was withdrawn."""

from collections.abc import Iterable
from uuid import UUID

from chassis.work import Work
from contracts.notifications import RightsChangedMail
from services.authorizations.contacts import storage as contacts
from services.authorizations.mailing.telling import WARNING_KEEPS, tell, to
from services.authorizations.organizations import storage as organizations
from services.authorizations.periods import Period
from services.authorizations.relations.domain import Grant
from services.authorizations.tools import Tools


async def tell_given(work: Work[Tools], contact_id: UUID, grants: Iterable[Grant], period: Period) -> None:
    """Tell the person of subjects that they were given in their own organization, and for how long."""
    subjects = tuple(sorted({grant.subject for grant in grants}))
    if subjects:
        await _tell(work, contact_id, given=subjects, starts_on=period.starts_on, ends_on=period.ends_on)


async def tell_withdrawn(work: Work[Tools], contact_id: UUID, subjects: Iterable[str]) -> None:
    """Tell the person of subjects that they have no more."""
    if lost := told(work, subjects):
        await _tell(work, contact_id, withdrawn=lost)


def told(work: Work[Tools], subjects: Iterable[str]) -> tuple[str, ...]:
    """Those subjects as a mail lists them; none where the agency's data do not want them told."""
    return tuple(sorted(set(subjects))) if work.tools.agency.managing.rights_told else ()


async def _tell(work: Work[Tools], contact_id: UUID, **said: object) -> None:
    """Where the agency's data want it told, and as often as one mailbox may be written to."""
    if not work.tools.agency.managing.rights_told:
        return
    person = await contacts.get(work.connection, contact_id)
    if person is None:
        return
    organization = await organizations.one(work.connection, person.organization_id)
    await tell(
        work, RightsChangedMail, to(contact_id, person), organization, bound="managers",
        once=f"functions:{contact_id}:{work.now.isoformat()}", keeps=WARNING_KEEPS, changed_at=work.now, **said,
    )  # fmt: skip
