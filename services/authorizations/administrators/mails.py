"""Who manages an organization from now on, or no more: told to the person, and to the others who manage it."""

from collections.abc import Collection
from uuid import UUID

from chassis.work import Work
from contracts.notifications import (
    AdministratorChange,
    AdministratorContents,
    AdministratorsChangedMail,
    AdministratorStatusMail,
    Contents,
)
from services.authorizations import mailing
from services.authorizations.administrators import storage
from services.authorizations.contacts import storage as contacts
from services.authorizations.contacts.domain import ContactFile
from services.authorizations.contacts.managers import managers_of
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
    said = {"change": change, "changed_at": work.now}
    if person.email is not None:
        contents = Contents(address=person.email, given_name=person.given_name)
        mail = mailing.envelope(
            work, person.contact_id, person, contents, organization, once=once, keeps=mailing.WARNING_KEEPS
        )
        work.publish(AdministratorStatusMail(**mail, **said, managing_reason=reason or ""))
    name = f"{person.given_name} {person.family_name}"
    for reader in await _others(work, person, widely=widely):
        if reader.email is not None:
            contents = AdministratorContents(
                address=reader.email, given_name=reader.given_name, administrator_name=name
            )  # fmt: skip
            mail = mailing.envelope(
                work, reader.contact_id, reader, contents, organization, once=f"{once}:{reader.contact_id}",
                keeps=mailing.WARNING_KEEPS,
            )  # fmt: skip
            work.publish(AdministratorsChangedMail(**mail, **said))
    if widely and organization.email is not None:
        contents = AdministratorContents(address=organization.email, given_name="", administrator_name=name)
        mail = mailing.envelope(
            work, organization.organization_id, organization, contents, organization,
            once=f"{once}:{organization.organization_id}", keeps=mailing.WARNING_KEEPS,
        )  # fmt: skip
        work.publish(AdministratorsChangedMail(**mail, **said))


async def _others(work: Work[Tools], person: ContactFile, *, widely: bool) -> list[ContactFile]:
    told: Collection[ContactFile] = await managers_of(work, person.organization_id)
    if widely:
        ids: set[UUID] = {reader.contact_id for reader in told}
        ids |= set(await storage.once_managed(work.connection, person.organization_id, work.tools.managing))
        told = await contacts.get_all(work.connection, ids)
    return [reader for reader in told if reader.contact_id != person.contact_id]
