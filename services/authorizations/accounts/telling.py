"""Those for whom an account acts by a mandate are told that it was closed, or is open again."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from chassis.work import Work
from contracts.accounts import Person
from contracts.agency.features import needed
from contracts.notifications import MandatedAccountClosedMail, MandatedAccountReopenedMail, MandatedMail
from services.authorizations import mailing
from services.authorizations.accounts import storage
from services.authorizations.managing.questions import who_can_act
from services.authorizations.organizations import storage as organizations
from services.authorizations.tools import Tools


async def tell_mandators(work: Work[Tools], person: Person, contact_ids: Collection[UUID]) -> None:
    """Once to each who can act for an organization in which a mandate of one of these contacts is in force.

    Not why: what was only suspected is nobody's to tell. Mandates stay as they are; while the account is closed a check
    says no because of the account.
    """
    if not contact_ids or not needed(MandatedMail.needed_for, work.tools.agency.features):
        return
    if person.status == "active":
        await _tell(work, MandatedAccountReopenedMail, person, contact_ids)
    else:
        await _tell(work, MandatedAccountClosedMail, person, contact_ids)


async def _tell(work: Work[Tools], mail: type[MandatedMail], person: Person, contact_ids: Collection[UUID]) -> None:
    name = f"{person.given_name} {person.family_name}".strip()
    for organization_id in await storage.mandated_by(work.connection, work.now, work.today, contact_ids):
        organization = await organizations.one(work.connection, organization_id)
        for reader in await who_can_act(work, organization_id):
            if reader.contact_id in contact_ids:
                continue  # its own account: accounts tells that
            await mailing.tell(
                work, mail, mailing.to(reader.contact_id, reader), organization, bound="warnings",
                once=_once(mail, person.account_id, reader.contact_id, person.status_since),
                keeps=mailing.WARNING_KEEPS, mandated_name=name, changed_at=person.status_since,
            )  # fmt: skip


def _once(mail: type[MandatedMail], account_id: UUID, reader: UUID, since: datetime) -> str:
    return f"{mail.mail}:{account_id}:{reader}:{since.isoformat()}"
