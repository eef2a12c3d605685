"""Who leaves its organization: clients that made the person their own contact keep it, and are told."""

from uuid import UUID

from chassis.work import Work
from contracts.notifications import MemberLeftMail
from services.authorizations import mailing
from services.authorizations.contacts import storage as contacts
from services.authorizations.managing.questions import who_manage
from services.authorizations.organizations import storage as organizations
from services.authorizations.removals import storage
from services.authorizations.tools import Tools


async def tell_clients(work: Work[Tools], contact_id: UUID, firm_id: UUID) -> None:
    """Tell those who manage a client that the person has left the firm, and is still the client's own contact."""
    found = await storage.own_contacts_of_clients(work.connection, work.now, work.today, contact_id)
    named = await organizations.get(work.connection, {firm_id, *found.values()})
    for own_contact_id, client_id in found.items():
        person = await contacts.get(work.connection, own_contact_id)
        assert person is not None
        for reader in await who_manage(work, client_id):
            if reader.contact_id == own_contact_id:
                continue
            # Once a day: whoever adds somebody and removes them in turns fills nobody's mailbox.
            once = f"member_left:{own_contact_id}:{reader.contact_id}:{work.today.isoformat()}"
            await mailing.tell(
                work, MemberLeftMail, mailing.to(reader.contact_id, reader), named[client_id], bound="managers",
                once=once, keeps=mailing.WARNING_KEEPS, contact_name=f"{person.given_name} {person.family_name}",
                firm_name=named[firm_id].legal_name, left_at=work.now,
            )  # fmt: skip
        work.audit("member_left", organization_id=client_id, object_id=own_contact_id, firm=str(firm_id))
