"""How often a mailbox is written to, counted before a mail is asked for: by its cause, so that none uses up another's.

Who manages an organization types the addresses of others, and whoever knows an organization's name and number may claim
it, so neither may write to anybody as often as they like. What strangers cause is counted apart from what those who
manage an organization cause, and what a person has to be warned of apart from both. A mailbox stands in the counts as a
keyed digest. An agent's mails are not counted: an agent is a named person, and each is in the audit.
"""

from collections.abc import Mapping
from itertools import groupby
from typing import Literal
from uuid import UUID

from chassis import limits
from chassis.fields import mailbox
from chassis.outcomes import Refusal
from chassis.work import Work
from contracts.agency.limits import LimitName
from contracts.notifications import MailBudget, MailRequest
from services.authorizations.access.domain import AsProfile
from services.authorizations.tools import Tools

FROM_ONE: LimitName = "mails_per_mailbox_from_one_organization"
FROM_ALL: LimitName = "mails_per_mailbox"
OF_CALLER: LimitName = "mails_per_caller"
CODE = "too_many_mails"

Bound = MailBudget | Literal["refused_beyond", "own_doing", "agents", "daily"]
"""What keeps a mail from being sent too often. Three are budgets of a mailbox. managers: what those who manage an
organization cause. strangers: what accounts cause that claim an organization. warnings: what somebody has to hear of
whoever it comes from, so each kind of such a mail has a budget of its own, with one organization.

The others say why nothing is counted here. refused_beyond: its cause was counted, and is refused beyond a budget.
own_doing: it goes to whoever caused it, at an address of their own. agents: only an agent causes it. daily: it is sent
once a day.
"""

LIMITS: Mapping[MailBudget, tuple[LimitName, LimitName | None]] = {
    "managers": (FROM_ONE, FROM_ALL),
    "strangers": ("claim_mails_per_mailbox_from_one_organization", "claim_mails_per_mailbox"),
    "warnings": ("warnings_per_mailbox_from_one_organization", None),
}
"""By a bound: what one mailbox is sent about one organization, and about all of them."""


async def refuse_mail(work: Work[Tools], by: AsProfile, organization_id: UUID, address: str | None) -> Refusal | None:
    """Count a mail about an organization's file. None when it may go, or when there is no address to write to."""
    if address is None:
        return None
    counted: list[tuple[LimitName, bytes]] = [
        (OF_CALLER, by.account_id.bytes),
        (FROM_ONE, _from_one(work, organization_id, address)),
        (FROM_ALL, of_mailbox(work, address)),
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


async def held_back_by(
    work: Work[Tools], bound: Bound, mail: type[MailRequest], organization_id: UUID, address: str
) -> MailBudget | None:
    """Count one mail, where its bound is a budget: that budget, when the mailbox has had enough of such mails."""
    match bound:
        case "strangers" | "managers" | "warnings" as budget if work.actor.kind != "agent":
            pass
        case _:
            return None
    from_one, from_all = LIMITS[budget]
    apart = mail.mail if budget == "warnings" else ""
    keys = [(from_one, _from_one(work, organization_id, address, apart))]
    if from_all is not None:
        keys.append((from_all, of_mailbox(work, address)))
    for name, key in keys:
        limit = work.tools.agency.limits.attempts[name]
        if await limits.spend(work.connection, name, key, limit, work.now) is not None:
            return budget
    return None


async def flooded(work: Work[Tools], organization_id: UUID, addresses: Mapping[UUID, str]) -> frozenset[UUID]:
    """Count a mail to each of an organization's contacts. Returns those whose mailbox has had enough."""
    to_each = {contact_id: _from_one(work, organization_id, address) for contact_id, address in addresses.items()}
    over = await _over(work, FROM_ONE, to_each)
    to_others = {
        contact_id: of_mailbox(work, address) for contact_id, address in addresses.items() if contact_id not in over
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


def _from_one(work: Work[Tools], organization_id: UUID, address: str, apart: str = "") -> bytes:
    return work.tools.keyring.lookup("mailbox and organization", f"{mailbox(address)}\0{organization_id}\0{apart}")


def of_mailbox(work: Work[Tools], address: str) -> bytes:
    """The keyed digest of the mailbox that an address leads to."""
    return work.tools.keyring.lookup("mailbox", mailbox(address))
