"""Whether the address of a side of a mandate is one person's alone: when it is given, and again at the approval."""

from dataclasses import dataclass
from uuid import UUID

from chassis.work import Work
from contracts.agency.mandates import MandateSide
from services.authorizations.addresses.domain import Fault, Giver
from services.authorizations.addresses.handlers import judge
from services.authorizations.contacts import storage as contacts
from services.authorizations.mandates.domain import Mandate
from services.authorizations.personal.storage import descriptions
from services.authorizations.requests.domain import Request
from services.authorizations.tools import Tools


@dataclass(frozen=True)
class Faulty:
    """The side whose address is not good for it any more, and why."""

    side: MandateSide
    fault: Fault


async def judge_side(
    work: Work[Tools], request: Request, mandate: Mandate, side: MandateSide, email: str
) -> Fault | None:
    """What speaks against an address: the rules, and whoever else is known by it. Call it with the mandate `locked`.

    The other side's are those of its account and file too, and of the delegate also the one that the professional gave.
    """
    signer = mandate.sides[side]
    other = mandate.delegate if side == "professional" else mandate.professional
    theirs = [other.side_id, other.account_id, other.contact_id]
    if side == "professional":
        theirs.append(request.request_id)
    owners = [owner for owner in (signer.side_id, request.request_id, *theirs) if owner is not None]
    persons = await descriptions(work.connection, owners)
    own = persons.get(signer.side_id) or (persons.get(request.request_id) if side == "delegate" else None)
    giver = Giver(
        request_id=request.request_id,
        account_id=signer.account_id,
        contact_id=signer.contact_id,
        family_name=(own.family_name or "") if own else "",
        given_name=(own.given_name or "") if own else "",
    )
    others = [persons[owner].email for owner in theirs if owner in persons]
    others.append(await _address_of(work, other.contact_id))
    return await judge(work, email, giver, [address for address in others if address is not None])


async def judge_again(work: Work[Tools], request: Request, mandate: Mandate) -> Faulty | None:
    """The first side whose verified address somebody else has come to have meanwhile; None: both are good."""
    persons = await descriptions(work.connection, [signer.side_id for signer in mandate.sides.values()])
    for side, signer in mandate.sides.items():
        person = persons.get(signer.side_id)
        if person is None or person.email is None:
            continue
        if fault := await judge_side(work, request, mandate, side, person.email):
            return Faulty(side, fault)
    return None


async def _address_of(work: Work[Tools], contact_id: UUID | None) -> str | None:
    """A contact's address: that of its account, where there is one."""
    contact = await contacts.get(work.connection, contact_id) if contact_id is not None else None
    return contact.email if contact is not None else None
