"""The tables `sightings` and `suspicions`."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from chassis.database import Connection
from services.accounts.signals.domain import MOST_LOOKED_AT, Sighting, Signal
from services.accounts.signals.places import Place

# The last sighting of the account, if it is of this network and device; noted once a minute, so that few refreshes
# write. Nothing is returned where another network or device comes now.
GOES_ON = """
with last as (select seen_from, seen_until, network, device from sightings where account_id = $1
    order by seen_from desc limit 1),
noted as (update sightings s set seen_until = $4 from last
    where s.account_id = $1 and s.seen_from = last.seen_from and last.network = any($2) and last.device = any($3)
        and last.seen_until < $4::timestamptz - interval '1 minute')
select true from last where network = any($2::bytea[]) and device = any($3::bytea[])
"""
KNOWN = """
select (select network from sightings where account_id = $1 and network = any($2::bytea[]) limit 1),
    (select device from sightings where account_id = $1 and device = any($3::bytea[]) limit 1)
"""
BEGIN = """
insert into sightings (account_id, seen_from, seen_until, network, device, place, latitude, longitude)
values ($1, $2, $2, $3, $4, $5, $6, $7) on conflict do nothing
"""
LAST = f"""
select seen_from, seen_until, network, device, place, latitude, longitude from sightings
where account_id = $1 and seen_until > $2 order by seen_from desc limit {MOST_LOOKED_AT}
"""
LIVE_SESSIONS = """
select count(*), min(opened_at) from sessions
where account_id = $1 and ended_at is null and expires_at > $2 and last_used_at > $3
"""
FIRST = """
insert into suspicions (account_id, signal, raised_at) values ($1, $2, $3)
on conflict (account_id, signal) do update set raised_at = excluded.raised_at where suspicions.raised_at <= $4
returning true
"""
FORGET = ("delete from sightings where seen_until <= $1", "delete from suspicions where raised_at <= $1")


async def goes_on(
    connection: Connection, account_id: UUID, networks: Sequence[bytes], devices: Sequence[bytes], now: datetime
) -> bool:
    """Whether the account was seen last from there, by that device, each by its digests; then that goes on."""
    return await connection.fetchval(GOES_ON, account_id, list(networks), list(devices), now) is True


async def known(
    connection: Connection, account_id: UUID, networks: Sequence[bytes], devices: Sequence[bytes]
) -> tuple[bytes, bytes]:
    """By which of its digests a network, and a device, stands here already; the first where by none."""
    row = await connection.fetchrow(KNOWN, account_id, list(networks), list(devices))
    assert row is not None
    return row[0] or networks[0], row[1] or devices[0]


async def begin(connection: Connection, account_id: UUID, seen: Sighting) -> None:
    """The account is seen from another network, or by another device, than last."""
    place = seen.place
    await connection.execute(
        BEGIN, account_id, seen.seen_from, seen.network, seen.device,
        place and place.code, place and place.latitude, place and place.longitude,
    )  # fmt: skip


async def last(connection: Connection, account_id: UUID, since: datetime) -> list[Sighting]:
    """What was seen of the account, the oldest first."""
    rows = await connection.fetch(LAST, account_id, since)
    return [
        Sighting(
            row["seen_from"], row["seen_until"], row["network"], row["device"],
            Place(row["place"], row["latitude"], row["longitude"]) if row["place"] is not None else None,
        )
        for row in reversed(rows)
    ]  # fmt: skip


async def live_sessions(
    connection: Connection, account_id: UUID, now: datetime, used_since: datetime
) -> tuple[int, datetime]:
    """How many sessions of an account are open and in use, one of them just opened; and since when."""
    row = await connection.fetchrow(LIVE_SESSIONS, account_id, now, used_since)
    assert row is not None
    return row[0], row[1] or now


async def is_first(
    connection: Connection, account_id: UUID, signal: Signal, now: datetime, quiet_since: datetime
) -> bool:
    """Whether this sign of this account is to be told: none was since `quiet_since`."""
    return await connection.fetchval(FIRST, account_id, signal, now, quiet_since) is True


async def forget(connection: Connection, before: datetime) -> None:
    """Delete what was seen and told before."""
    for query in FORGET:
        await connection.execute(query, before)
