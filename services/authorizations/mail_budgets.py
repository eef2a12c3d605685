"""Mails that a caller causes, counted before they are asked for: by the caller, and by the mailbox they go to.

Who manages an organization types the addresses of others, so nobody may write to one of them as often as they like. A
mailbox stands in the counts as a keyed digest. An agent's mails are not counted: an agent is a named person, and each
is in the audit. Nor is what warns a former address, which is sent in any case; it follows a mail that was counted.
"""

from collections.abc import Mapping
from itertools import groupby
from uuid import UUID

from chassis import limits
from chassis.fields import mailbox
from chassis.outcomes import Refusal
from chassis.work import Work
from contracts.agency.limits import LimitName
from services.authorizations.access.domain import AsProfile
from services.authorizations.tools import Tools

FROM_ONE: LimitName = "mails_per_mailbox_from_one_organization"
FROM_ALL: LimitName = "mails_per_mailbox"
OF_CALLER: LimitName = "mails_per_caller"
CODE = "too_many_mails"


async def refuse_mail(work: Work[Tools], by: AsProfile, organization_id: UUID, address: str | None) -> Refusal | None:
    """Count a mail about an organization's file. None when it may go, or when there is no address to write to."""
    if address is None:
        return None
    counted: list[tuple[LimitName, bytes]] = [
        (OF_CALLER, by.account_id.bytes),
        (FROM_ONE, _from_one(work, organization_id, address)),
        (FROM_ALL, _from_all(work, address)),
    ]
    for name, key in counted:
        budget = work.tools.agency.limits.attempts[name]
        if refusal := await limits.refuse_beyond(work.connection, name, key, budget, work.now, code=CODE):
            return refusal
    return None


async def refuse_mails(work: Work[Tools], by: AsProfile, number: int) -> Refusal | None:
    """Count so many mails of a caller at once. None when they may go."""
    budget = work.tools.agency.limits.attempts[OF_CALLER]
    seconds = await limits.spend(work.connection, OF_CALLER, by.account_id.bytes, budget, work.now, number)
    return None if seconds is None else limits.too_many(seconds, CODE)


async def flooded(work: Work[Tools], organization_id: UUID, addresses: Mapping[UUID, str]) -> frozenset[UUID]:
    """Count a mail to each of an organization's contacts. Returns those whose mailbox has had enough."""
    to_each = {contact_id: _from_one(work, organization_id, address) for contact_id, address in addresses.items()}
    over = await _over(work, FROM_ONE, to_each)
    to_others = {
        contact_id: _from_all(work, address) for contact_id, address in addresses.items() if contact_id not in over
    }
    return over | await _over(work, FROM_ALL, to_others)


async def _over(work: Work[Tools], name: LimitName, keys: Mapping[UUID, bytes]) -> frozenset[UUID]:
    """Contacts who share a mailbox are counted together: all of them are written to, or none."""
    shared = dict[bytes, list[UUID]]()
    for contact_id, key in keys.items():
        shared.setdefault(key, []).append(contact_id)
    budget, spent = work.tools.agency.limits.attempts[name], set[bytes]()
    for number, found in groupby(sorted(shared, key=lambda key: len(shared[key])), key=lambda key: len(shared[key])):
        spent |= await limits.spend_each(work.connection, name, list(found), budget, work.now, number)
    return frozenset(contact_id for key in spent for contact_id in shared[key])


def _from_one(work: Work[Tools], organization_id: UUID, address: str) -> bytes:
    return work.tools.keyring.lookup("mailbox and organization", f"{mailbox(address)}\0{organization_id}")


def _from_all(work: Work[Tools], address: str) -> bytes:
    return work.tools.keyring.lookup("mailbox", mailbox(address))
