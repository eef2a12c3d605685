"""What was seen of an account, and what it is a sign of: plain functions of their arguments."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Literal

from contracts.agency.misuse import Devices, NetworksAtOnce, Signals, Travel
from services.accounts.signals.places import Place

Signal = Literal["networks_at_once", "travel", "many_devices", "many_sessions"]

KEPT_FOR = timedelta(days=7)
"""How long a sighting is kept: as long as the longest window that an agency can choose."""

CLOCKS_DIFFER = timedelta(minutes=2)
"""What is given to every journey: processes' clocks differ, and a sighting is noted once a minute."""

MOST_LOOKED_AT = 200
"""Sightings of one account, the newest. Who changes networks more often than that has been told of long before."""


@dataclass(frozen=True)
class Sighting:
    """That an account was used from one network by one device, from an instant to another, without a change.

    `network` and `device` are keyed digests, which differ from account to account.
    """

    seen_from: datetime
    seen_until: datetime
    network: bytes
    device: bytes
    place: Place | None


@dataclass(frozen=True)
class Suspicion:
    """A sign, with what may be told of it: instants, counts, codes of places."""

    signal: Signal
    since: datetime
    until: datetime
    networks: int | None = None
    devices: int | None = None
    sessions: int | None = None
    places: tuple[str, ...] = ()
    kilometres: int | None = None


def suspicions(rules: Signals, sightings: Sequence[Sighting]) -> Iterable[Suspicion]:
    """What the last of an account's sightings, the oldest first, is a sign of."""
    if rules.networks_at_once and (found := _at_once(rules.networks_at_once, sightings)):
        yield found
    if rules.travel and (found := _travelled(rules.travel, sightings)):
        yield found
    if rules.devices and (found := _devices(rules.devices, sightings)):
        yield found


def _at_once(rule: NetworksAtOnce, sightings: Sequence[Sighting]) -> Suspicion | None:
    recent = _since(sightings, rule.within)
    left: set[bytes] = set()
    returns = 0
    for before, after in pairwise(recent):
        if before.network == after.network:
            continue
        left.add(before.network)
        returns += after.network in left
    if returns < rule.returns:
        return None
    networks = len({sighting.network for sighting in recent})
    return Suspicion("networks_at_once", *_span(recent), networks=networks, places=_places(recent))


def _travelled(rule: Travel, sightings: Sequence[Sighting]) -> Suspicion | None:
    """From the last known place to this one. Clocks that ran back make no journey shorter than none."""
    known = [sighting for sighting in sightings if sighting.place is not None]
    if len(known) < 2 or known[-1] is not sightings[-1]:
        return None
    left, arrived = known[-2:]
    assert left.place is not None and arrived.place is not None
    kilometres = left.place.kilometres_to(arrived.place)
    took = max(arrived.seen_from - left.seen_until, timedelta()) + CLOCKS_DIFFER
    if kilometres < rule.at_least_kilometres or kilometres <= rule.kilometres_per_hour * took / timedelta(hours=1):
        return None
    places = (left.place.code, arrived.place.code)
    since, until = left.seen_until, max(left.seen_until, arrived.seen_until)
    return Suspicion("travel", since, until, networks=2, places=places, kilometres=round(kilometres))


def _devices(rule: Devices, sightings: Sequence[Sighting]) -> Suspicion | None:
    recent = _since(sightings, rule.within)
    devices, networks = {s.device for s in recent}, {s.network for s in recent}
    if len(devices) < rule.count:
        return None
    return Suspicion("many_devices", *_span(recent), networks=len(networks), devices=len(devices))


def _since(sightings: Sequence[Sighting], window: timedelta) -> list[Sighting]:
    begins = sightings[-1].seen_until - window
    return [sighting for sighting in sightings if sighting.seen_until > begins]


def _span(sightings: Sequence[Sighting]) -> tuple[datetime, datetime]:
    return sightings[0].seen_from, max(sighting.seen_until for sighting in sightings)


def _places(sightings: Sequence[Sighting]) -> tuple[str, ...]:
    """In the order in which they were seen first."""
    return tuple(dict.fromkeys(sighting.place.code for sighting in sightings if sighting.place))
