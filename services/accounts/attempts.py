"""Attempts that are counted here, before anything costly or secret happens. The agency's limits.yaml says how many."""

from ipaddress import IPv6Address, ip_address
from uuid import UUID

from chassis import limits
from chassis.outcomes import Refusal
from chassis.slowing import Everybodys
from chassis.work import Work
from contracts.agency.limits import LimitName
from services.accounts.tools import Tools

IPV6_SITE = 64  # bits: one subscriber holds at least a /64, so single addresses would count nothing


async def by_network(work: Work[Tools], name: str, budget: LimitName, host: str) -> Refusal | None:
    """Count one request from the caller's network address. None when it may go on."""
    return await _spend(work, name, budget, "network", network(host))


async def by_address(work: Work[Tools], name: LimitName, email_key: str) -> Refusal | None:
    """Count one attempt on what the address names, whether or not it is known. None when it may go on."""
    return await _spend(work, name, name, "address", email_key)


async def by_account(work: Work[Tools], name: LimitName, account_id: UUID) -> Refusal | None:
    """Count one attempt of a person who is signed in. None when it may go on."""
    return await _spend(work, name, name, "account", str(account_id))


async def by_digest(work: Work[Tools], name: LimitName, digest: bytes) -> Refusal | None:
    """Count one attempt on an address of which only its digest is kept. None when it may go on."""
    return await _count(work, name, name, digest)


def everybodys(tools: Tools, name: LimitName) -> Everybodys:
    """A budget that all of the deployment shares."""
    return Everybodys(name, tools.agency.limits.attempts[name])


def digest_of(work: Work[Tools], email_key: str) -> bytes:
    """What rests of an address, to count attempts on it."""
    return work.tools.keyring.lookup("address", email_key)


async def forgive(work: Work[Tools], name: LimitName, email_key: str) -> None:
    """Forget the attempts on the address: failures are limited, and one just succeeded (NIST SP 800-63B-4 3.2.2)."""
    await limits.forgive(work.connection, name, digest_of(work, email_key))


def network(host: str) -> str:
    """What a client's address is counted as: an IPv4 address, or the /64 of an IPv6 one."""
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if not isinstance(address, IPv6Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return f"{IPv6Address(int(address) >> IPV6_SITE << IPV6_SITE)}/{IPV6_SITE}"


async def _spend(work: Work[Tools], name: str, budget: LimitName, purpose: str, value: str) -> Refusal | None:
    return await _count(work, name, budget, work.tools.keyring.lookup(purpose, value))


async def _count(work: Work[Tools], name: str, budget: LimitName, key: bytes) -> Refusal | None:
    seconds = await limits.spend(work.connection, name, key, work.tools.agency.limits.attempts[budget], work.now)
    return None if seconds is None else Refusal("too_many_attempts", {"seconds": seconds}, retry_after=seconds)
