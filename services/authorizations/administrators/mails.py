"""Who manages an organization from now on, or no more: told to the person, and to the others who manage it."""

from typing import Any

from chassis.work import Work
from contracts.notifications import (
    AdministratorChange,
    AdministratorsChangedMail,
    AdministratorStatusMail,
)
from services.authorizations import mailing
from services.authorizations.contacts.domain import ContactFile
from services.authorizations.managing.questions import ever_holders_of, holders_of
from services.authorizations.organizations import storage as organizations
from services.authorizations.tools import Tools


async def tell(
    work: Work[Tools], person: ContactFile, change: AdministratorChange, reason: str | None, *, widely: bool = False
) -> None:
    """Tell the person, and everybody else who manages the organization.

    `widely`: whoever once managed it, and the address on file, too: what an agent did there must not go unseen.
    """
    organization = (await organizations.get(work.connection, [person.organization_id]))[person.organization_id]
    once = f"administrator_{change}:{person.contact_id}:{work.now.isoformat()}"
    said: dict[str, Any] = {"change": change, "changed_at": work.now}
    await mailing.tell(
        work, AdministratorStatusMail, mailing.to(person.contact_id, person), organization, bound="warnings",
        once=once, keeps=mailing.WARNING_KEEPS, managing_reason=reason or "", **said,
    )  # fmt: skip
    readers = [mailing.to(reader.contact_id, reader) for reader in await _others(work, person, widely=widely)]
    if widely:
        readers.append(mailing.to_file(organization))
    for reader in readers:
        await mailing.tell(
            work, AdministratorsChangedMail, reader, organization, bound="warnings",
            once=f"{once}:{reader.recipient_id}", keeps=mailing.WARNING_KEEPS,
            administrator_name=f"{person.given_name} {person.family_name}", **said,
        )  # fmt: skip


async def _others(work: Work[Tools], person: ContactFile, *, widely: bool) -> list[ContactFile]:
    told = await (ever_holders_of if widely else holders_of)(work, person.organization_id)
    return [reader for reader in told if reader.contact_id != person.contact_id]
