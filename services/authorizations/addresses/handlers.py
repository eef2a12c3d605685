"""Judging an address that somebody gave for themselves."""

from collections.abc import Iterable

from chassis.work import Work
from services.authorizations.addresses import domain, storage
from services.authorizations.addresses.domain import Fault, Giver, Named
from services.authorizations.tools import Tools


async def judge(work: Work[Tools], email: str, giver: Giver, others: Iterable[str] = ()) -> Fault | None:
    """Why the address is not good for whoever gives it; None: nothing speaks against it, and it is theirs to keep.

    `others` are addresses of the other side. Nobody else is given the same mailbox until the transaction ends: call it
    with the organization locked.
    """
    assert work.tools.agency.mandates is not None
    rules = work.tools.agency.mandates.addresses
    if any(domain.same_mailbox(rules, email, other) for other in others):
        return "other_side"
    if domain.is_of_a_function(rules, email):
        return "role_name"
    mailbox = domain.mailbox(rules, email)
    await storage.lock(work.connection, mailbox)
    known = await storage.of_others(work.connection, domain.places(rules, email), giver, work.today)
    return "somebody_else" if any(domain.mailbox(rules, address) == mailbox for address in known) else None


async def accounts_of(work: Work[Tools], email: str, family_name: str, given_name: str) -> list[Named]:
    """The accounts of somebody so called whose address leads to the same mailbox, those that are active first."""
    assert work.tools.agency.mandates is not None
    rules = work.tools.agency.mandates.addresses
    found = await storage.accounts(work.connection, domain.places(rules, email), family_name, given_name)
    return [account for account in found if domain.same_mailbox(rules, account.email, email)]
