"""Remembering where somebody was let in with the right password or the right code."""

from chassis.work import Work
from services.accounts.networks import domain, storage
from services.accounts.tools import Tools

PURPOSE = "known network"
"""What the keyed digest of an address with a network is for; neither rests here by itself."""


async def remember(work: Work[Tools], email_key: str, host: str) -> None:
    """The owner of the address was just let in from there."""
    digest = work.tools.keyring.lookup(PURPOSE, _named(email_key, host))
    await storage.remember(work.connection, digest, work.now)


async def is_known(work: Work[Tools], email_key: str, host: str) -> bool:
    """Whether the owner of the address was let in from there before."""
    digests = work.tools.keyring.lookups(PURPOSE, _named(email_key, host))
    return await storage.is_known(work.connection, digests, work.now - domain.KEPT_FOR)


async def forget(work: Work[Tools], _: None) -> None:
    """Forget networks from which nobody came for long."""
    await storage.forget(work.connection, work.now - domain.KEPT_FOR)


def _named(email_key: str, host: str) -> str:
    return f"{email_key}\0{domain.network(host)}"
