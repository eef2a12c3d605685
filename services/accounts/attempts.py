"""Attempts that are counted here, before anything costly or secret happens. The agency's limits.yaml says how many."""

from typing import Literal
from uuid import UUID

from chassis import limits
from chassis.fields import mailbox
from chassis.outcomes import Refusal
from chassis.slowing import Everybodys
from chassis.work import Work
from contracts.agency.limits import LimitName
from services.accounts.networks import handlers as known_networks
from services.accounts.networks.domain import network, site
from services.accounts.tools import Tools

Kind = Literal["registration", "confirmation", "sign_in", "password_reset", "undo", "address_proof"]
"""Of calls that anybody may make; a network has a budget for each."""


async def by_network(work: Work[Tools], kind: Kind, host: str) -> Refusal | None:
    """Count one call from the caller's network address. None when it may go on."""
    return await _spend(work, f"{kind}_per_network", "calls_per_network", "network", network(host))


async def by_address(work: Work[Tools], name: LimitName, email_key: str, host: str) -> Refusal | None:
    """Count one attempt at `host` on what the address names, known or not. None when it may go on.

    A network has its part of the address's budget, so that nobody spends all of it from one place. Where the owner was
    let in before, the part is the network's own: what others spend elsewhere keeps nobody out there; elsewhere a
    subscriber's networks have one part together. The part is as large at either, so that how many attempts a network
    has says nothing of the address.
    """
    return await _spend_part_then_whole(work, name, email_key, email_key, host)


async def by_mailbox(work: Work[Tools], name: LimitName, email_key: str, host: str) -> Refusal | None:
    """The same for a mail to the address: +tags lead to one mailbox, and are counted as one."""
    return await _spend_part_then_whole(work, name, email_key, mailbox(email_key), host)


async def by_account(work: Work[Tools], name: str, budget: LimitName, account_id: UUID) -> Refusal | None:
    """Count one attempt of a person who is signed in. None when it may go on."""
    return await _spend(work, name, budget, "account", str(account_id))


async def forgive_account(work: Work[Tools], name: str, account_id: UUID) -> None:
    """Forget the attempts of a person who is signed in."""
    await limits.forgive(work.connection, name, work.tools.keyring.lookup("account", str(account_id)))


async def by_digest(work: Work[Tools], name: LimitName, digest: bytes) -> Refusal | None:
    """Count one attempt on an address of which only its digest is kept. None when it may go on."""
    return await _count(work, name, name, digest)


def everybodys(tools: Tools, name: LimitName) -> Everybodys:
    """A budget that all of the deployment shares."""
    return Everybodys(name, tools.agency.limits.attempts[name])


def digest_of(work: Work[Tools], email_key: str) -> bytes:
    """What rests of an address, to count attempts on it."""
    return work.tools.keyring.lookup("address", email_key)


async def forgive(work: Work[Tools], name: LimitName, email_key: str, host: str) -> None:
    """Forget the attempts on the address: failures are limited, and one just succeeded (NIST SP 800-63B-4 3.2.2)."""
    for counted_as in (site(host), network(host)):
        here = _from_one_network(work, email_key, counted_as)
        await limits.forgive(work.connection, f"{name}_from_one_network", here)
    await limits.forgive(work.connection, name, digest_of(work, email_key))


async def _spend_part_then_whole(
    work: Work[Tools], name: LimitName, email_key: str, counted: str, host: str
) -> Refusal | None:
    budget = work.tools.agency.limits.attempts[name]
    part = budget.model_copy(update={"count": budget.from_one_network or budget.count})
    is_known = await known_networks.is_known(work, email_key, host)
    here = _from_one_network(work, counted, network(host) if is_known else site(host))
    if refusal := await limits.refuse_beyond(work.connection, f"{name}_from_one_network", here, part, work.now):
        return refusal
    if is_known:
        return None
    return await _count(work, name, name, digest_of(work, counted))


def _from_one_network(work: Work[Tools], email_key: str, counted_as: str) -> bytes:
    return work.tools.keyring.lookup("address and network", f"{email_key}\0{counted_as}")


async def _spend(work: Work[Tools], name: str, budget: LimitName, purpose: str, value: str) -> Refusal | None:
    return await _count(work, name, budget, work.tools.keyring.lookup(purpose, value))


async def _count(work: Work[Tools], name: str, budget: LimitName, key: bytes) -> Refusal | None:
    return await limits.refuse_beyond(work.connection, name, key, work.tools.agency.limits.attempts[budget], work.now)
