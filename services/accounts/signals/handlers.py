"""Noting from where an account is used, in the transaction that signs in or refreshes, and what that is a sign of."""

from datetime import timedelta
from uuid import UUID

from chassis.work import Work
from contracts.accounts import MisuseSuspected
from services.accounts.metrics import SUSPICIONS
from services.accounts.networks.domain import neighbourhood
from services.accounts.signals import domain, storage
from services.accounts.signals.domain import Sighting, Suspicion
from services.accounts.tools import Client, Tools

IN_USE = timedelta(hours=1)
"""Since its last refresh: a session that nobody refreshes for longer cannot be used any more (sessions/domain.py)."""


async def see(work: Work[Tools], account_id: UUID, client: Client) -> None:
    """Note that the account is used by this client now. Where nothing changed since last, one statement does it."""
    rules = work.tools.agency.misuse.signals
    if not rules.looks_at_networks:
        return
    networks = _digests(work, "seen network", account_id, neighbourhood(client.host))
    devices = _digests(work, "seen device", account_id, client.device)
    if await storage.goes_on(work.connection, account_id, networks, devices, work.now):
        return
    network, device = await storage.known(work.connection, account_id, networks, devices)
    seen = Sighting(work.now, work.now, network, device, work.tools.places.of(client.host))
    await storage.begin(work.connection, account_id, seen)
    sightings = await storage.last(work.connection, account_id, work.now - domain.KEPT_FOR)
    for suspicion in domain.suspicions(rules, sightings):
        await _tell(work, account_id, suspicion)


async def count_sessions(work: Work[Tools], account_id: UUID) -> None:
    """A session of the account has opened: are there more than one person opens."""
    rule = work.tools.agency.misuse.signals.sessions
    if rule is None:
        return
    count, since = await storage.live_sessions(work.connection, account_id, work.now, work.now - IN_USE)
    if count >= rule.count:
        await _tell(work, account_id, Suspicion("many_sessions", since, work.now, sessions=count))


async def forget(work: Work[Tools], _: None) -> None:
    """Forget sightings that no rule looks at any more."""
    quiet = work.tools.agency.misuse.signals.quiet
    await storage.forget(work.connection, work.now - max(domain.KEPT_FOR, quiet))


async def _tell(work: Work[Tools], account_id: UUID, found: Suspicion) -> None:
    quiet_since = work.now - work.tools.agency.misuse.signals.quiet
    if not await storage.is_first(work.connection, account_id, found.signal, work.now, quiet_since):
        return
    work.publish(MisuseSuspected(account_id=account_id, **vars(found)))
    work.audit("sign_of_misuse_seen", object_id=account_id, signal=found.signal)
    SUSPICIONS.labels(found.signal).inc()


def _digests(work: Work[Tools], purpose: str, account_id: UUID, value: str) -> tuple[bytes, ...]:
    """Of one account alone: what is kept of two accounts does not say that they share a network.

    Under every key: while keys rotate, processes side by side use different ones, and nobody moves for that.
    """
    return work.tools.keyring.lookups(purpose, f"{account_id}\0{value}")
