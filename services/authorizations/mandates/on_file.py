"""The address by which a professional is known apart from a mandate: nobody gives it with one."""

from chassis.database import Connection
from contracts.agency import Agency
from services.authorizations.addresses.domain import same_mailbox
from services.authorizations.contacts import storage as contacts
from services.authorizations.contacts.domain import ContactFile
from services.authorizations.mandates.domain import Mandate


async def on_file(connection: Connection, mandate: Mandate) -> ContactFile | None:
    """The professional as the file has them: with the address of the account, once one is linked."""
    contact_id = mandate.professional.contact_id
    return await contacts.get(connection, contact_id) if contact_id is not None else None


def differs(agency: Agency, given: str | None, known: str | None) -> bool:
    """Whether an address that was given leads elsewhere than the one that is known; nothing differs from nothing."""
    if given is None or known is None or agency.mandates is None:
        return False
    return not same_mailbox(agency.mandates.addresses, given, known)
