"""The tables `credentials` and `credential_deliveries`."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID

from chassis.database import Connection, Pool
from contracts.accounts import CredentialIssued
from contracts.credentials import CredentialHalf

RAISE = """
update contacts set credential_generation = credential_generation + 1 where contact_id = $1
returning credential_generation
"""
KEEP = """
insert into credentials (contact_id, generation, halves, addresses, own_addresses, raised_at)
values ($1, $2, $3, $4, $5, $6)
on conflict (contact_id) do update set generation = excluded.generation, halves = excluded.halves,
    addresses = excluded.addresses, own_addresses = excluded.own_addresses, raised_at = excluded.raised_at,
    issued_at = null
"""
ISSUED = "update credentials set issued_at = $3 where contact_id = $1 and generation = $2"

# Of one that an agent still decides about the addresses are needed, and so they are until accounts has read them.
OVER = """
(c.issued_at < $1 and not exists (select from requests where reason = 'bounce'
    and (asked ->> 'contact_id')::uuid = c.contact_id and state in ('submitted', 'returned') and lapses_on >= $3)
or c.raised_at < $2)
"""
SETTLED = f"select c.contact_id from credentials c where {OVER} order by c.raised_at limit $4"
FORGET = f"delete from credentials c where {OVER} and c.contact_id = $4 returning true"
ERASE = "delete from credentials where contact_id = $1"
OWN_ADDRESSES = "select own_addresses from credentials where contact_id = $1"

KEEP_DELIVERY = """
insert into credential_deliveries as d (contact_id, half, generation, delivery_id) values ($1, $2, $3, $4)
on conflict (contact_id, half) do update set generation = excluded.generation, delivery_id = excluded.delivery_id
    where d.generation < excluded.generation
"""
# What is told of a mail and whose mail it is are told apart, in any order: each waits here for the other.
MEET = "select pg_advisory_xact_lock(hashtextextended('credential delivery ' || $1, 0))"
UNDELIVERED = """
select d.contact_id, d.half, d.generation, d.delivery_id, c.organization_id
from credential_deliveries d join mail_deliveries m using (delivery_id) join contacts c using (contact_id)
where d.delivery_id = any($1::uuid[]) and m.state in ('undelivered', 'expired')
order by c.organization_id, d.contact_id, d.half
"""
IS_ASKED = """
select exists (select from requests where reason = 'bounce' and (asked ->> 'contact_id')::uuid = $1
    and asked ->> 'half' = $2
    and ((asked ->> 'generation')::int = $3 or state in ('submitted', 'returned') and lapses_on >= $4))
"""


@dataclass(frozen=True)
class Undelivered:
    """Half of a contact's credential that did not arrive."""

    contact_id: UUID
    half: CredentialHalf
    generation: int
    delivery_id: UUID
    organization_id: UUID


@dataclass(frozen=True)
class Kept:
    """To whom a credential goes and about what, sealed to accounts, and locked by this service."""

    addresses: str = field(repr=False)
    own_addresses: str = field(repr=False)


@dataclass(frozen=True)
class Limits:
    """What was issued, and what was raised, before is over; `day`: on which a review has to be waiting still."""

    issued_before: datetime
    raised_before: datetime
    day: date


async def raise_generation(
    connection: Connection, contact_id: UUID, kept: Kept, halves: Sequence[CredentialHalf], now: datetime
) -> int:
    """One more credential for a contact; the number of its generation."""
    generation: int = await connection.fetchval(RAISE, contact_id)
    values = (contact_id, generation, list(halves), kept.addresses, kept.own_addresses, now)
    await connection.execute(KEEP, *values)
    return generation


async def own_addresses(connection: Connection, contact_id: UUID) -> str | None:
    """To whom the contact's credential goes, locked by this service."""
    found: str | None = await connection.fetchval(OWN_ADDRESSES, contact_id)
    return found


async def issued(connection: Connection, contact_id: UUID, generation: int, now: datetime) -> None:
    """Accounts has seen to a generation; of an older one nothing is noted."""
    await connection.execute(ISSUED, contact_id, generation, now)


async def settled(pool: Pool, limits: Limits, limit: int) -> list[UUID]:
    """Contacts of whose credential nothing is needed any more, those of long ago first."""
    rows = await pool.fetch(SETTLED, limits.issued_before, limits.raised_before, limits.day, limit)
    return [row["contact_id"] for row in rows]


async def forget(connection: Connection, contact_id: UUID, limits: Limits) -> bool:
    """Delete to whom a contact's credential went. False where it is needed (again), or was forgotten before."""
    gone = await connection.fetchval(FORGET, limits.issued_before, limits.raised_before, limits.day, contact_id)
    return gone is True


async def keep_deliveries(connection: Connection, issued: CredentialIssued) -> list[UUID]:
    """Keep in which mails a credential travels, of each half the newest. Returns the mails."""
    mails: Mapping[CredentialHalf, UUID | None] = {
        "user_name": issued.deliveries.to_professional,
        "temporary_password": issued.deliveries.to_delegate,
    }
    sent = {half: found for half, found in mails.items() if found is not None}
    for half, delivery_id in sent.items():
        await connection.execute(KEEP_DELIVERY, issued.contact_id, half, issued.generation, delivery_id)
    return list(sent.values())


async def meet(connection: Connection, delivery_ids: Collection[UUID]) -> None:
    """Whoever comes first of two that tell about the same mails is waited for by the other, until it has committed."""
    for delivery_id in sorted(delivery_ids):
        await connection.execute(MEET, str(delivery_id))


async def undelivered(connection: Connection, delivery_ids: Collection[UUID]) -> list[Undelivered]:
    """Which of these mails carried half of a credential, the last that there is, and did not arrive."""
    rows = await connection.fetch(UNDELIVERED, list(delivery_ids))
    return [Undelivered(**row) for row in rows]


async def is_asked(connection: Connection, found: Undelivered, day: date) -> bool:
    """Whether an agent was asked about this mail, or has still to decide about an earlier one of the same half."""
    asked: bool = await connection.fetchval(IS_ASKED, found.contact_id, found.half, found.generation, day)
    return asked


async def erase(connection: Connection, contact_id: UUID) -> None:
    """Forget to whom a contact's credential went, because its person is erased."""
    await connection.execute(ERASE, contact_id)
