"""Who is known here by an address that leads to a mailbox."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from chassis.database import Connection, lock_number
from services.authorizations.addresses.domain import Giver, Named, Places, end_of
from services.authorizations.sides import OF_ACCOUNT
from services.authorizations.statuses import active

# In two steps, so that whoever plans the second knows that it is about a few rows: joined with a million contacts, some
# hundred guessed at would have them all read.
AT_KEYS = """
select owner_id from personal_fields
where email is not null and mailbox_key(email) collate "C" = any($1::text[])
"""
AT_BEGINNING = """
select owner_id from personal_fields
where email is not null
    and mailbox_key(email) collate "C" >= $1 and mailbox_key(email) collate "C" < $2
"""

# A linked contact is known by its account's address; a side of a mandate by the one that it has verified, while the
# mandate waits or gives its right; an organization by its own, which several may read. Another person is who is neither
# the same account or contact, nor called the same.
OF_OTHERS = f"""
select p.email
from personal_fields p
where p.owner_id = any($1::uuid[])
    and (folded(p.family_name) = folded($3) and folded(p.given_name) = folded($4)) is not true
    and (
        p.owner_id is distinct from $5 and exists (select from account_versions a where a.account_id = p.owner_id)
        or p.owner_id is distinct from $6 and exists (select from contacts c where c.contact_id = p.owner_id)
            and not exists (
                select from bindings b
                where b.contact_id = p.owner_id and upper_inf(b.recorded) and upper_inf(b.during)
            )
        or exists (select from organizations o where o.organization_id = p.owner_id)
        or exists (
            select from mandate_sides s join mandates m using (request_id) join requests r using (request_id)
            where s.side_id = p.owner_id and s.address_state = 'verified' and r.request_id <> $7
                and (s.contact_id = $6) is not true and s.side_id not in ({OF_ACCOUNT.replace("$1", "$5")})
                and (r.state in ('signing', 'submitted', 'returned') and r.lapses_on >= $2
                    or r.outcome = 'approve' and m.revoked_at is null
                        and coalesce((r.asked ->> 'ends_on')::date, $2) >= $2)
        )
    )
"""

ACCOUNTS = f"""
select p.owner_id as account_id, p.email, {active("p.owner_id", None)} as is_active
from personal_fields p
where p.owner_id = any($1::uuid[]) and exists (select from account_versions a where a.account_id = p.owner_id)
    and folded(p.family_name) = folded($2) and folded(p.given_name) = folded($3)
order by is_active desc, p.owner_id
"""


async def lock(connection: Connection, mailbox: str) -> None:
    """Of two who give addresses that lead to one mailbox, the second waits, and then sees the first."""
    await connection.execute("select pg_advisory_xact_lock($1)", lock_number("authorizations.mailbox", mailbox))


async def of_others(connection: Connection, at: Places, giver: Giver, day: date) -> Sequence[str]:
    """The addresses at these places by which others are known than whoever gives one, on the agency's day."""
    found = await _owners(connection, at)
    if not found:
        return ()
    rows = await connection.fetch(
        OF_OTHERS,
        found,
        day,
        giver.family_name,
        giver.given_name,
        giver.account_id,
        giver.contact_id,
        giver.request_id,
    )
    return [row["email"] for row in rows]


async def accounts(connection: Connection, at: Places, family_name: str, given_name: str) -> list[Named]:
    """The accounts at these places of somebody so called, case and accents apart, those that are active first."""
    found = await _owners(connection, at)
    rows = await connection.fetch(ACCOUNTS, found, family_name, given_name) if found else []
    return [Named(**row) for row in rows]


async def _owners(connection: Connection, at: Places) -> list[UUID]:
    found = [row["owner_id"] for row in await connection.fetch(AT_KEYS, list(at.keys))]
    for beginning in at.beginnings:
        found += [row["owner_id"] for row in await connection.fetch(AT_BEGINNING, beginning, end_of(beginning))]
    return found
