"""Telling a person, once, of all that they lost because an administrator was replaced."""

from dataclasses import dataclass, field
from uuid import UUID

from chassis.work import Work
from contracts.notifications import AccessWithdrawnMail
from services.authorizations import mailing
from services.authorizations.contacts import storage as contacts
from services.authorizations.organizations import storage as organizations
from services.authorizations.tools import Tools


@dataclass
class Lost:
    """What a contact loses in its organization: functions, subjects, and subjects that it can only read from now on."""

    functions: set[str] = field(default_factory=set[str])
    withdrawn: set[str] = field(default_factory=set[str])
    lowered: set[str] = field(default_factory=set[str])


async def tell_of_loss(work: Work[Tools], contact_id: UUID, lost: Lost, reason: str | None) -> None:
    """Tell a person of all that a replacement took back; nothing where it was of other organizations alone."""
    person = await contacts.get(work.connection, contact_id)
    if person is None or not (lost.functions or lost.withdrawn or lost.lowered):
        return
    organization = await organizations.one(work.connection, person.organization_id)
    await mailing.tell(
        work, AccessWithdrawnMail, mailing.to(contact_id, person), organization, bound="agents",
        once=f"access_withdrawn:{contact_id}:{work.now.isoformat()}", keeps=mailing.WARNING_KEEPS,
        functions=tuple(sorted(lost.functions)), withdrawn=tuple(sorted(lost.withdrawn)),
        lowered=tuple(sorted(lost.lowered)), changed_at=work.now, managing_reason=reason or "",
    )  # fmt: skip
