"""Who is known here by an address that leads to a mailbox."""

from collections.abc import Sequence
from datetime import date

from chassis.database import Connection, lock_number
from services.authorizations.addresses.domain import Giver, Places, end_of

# A linked contact is known by its account's address; a side of a mandate by the one that it has verified, while the
# mandate waits or gives its right. Another person is who is neither the same account or contact, nor called the same.
KNOWN = """
with found as materialized (
    select p.owner_id, p.email, p.family_name, p.given_name
    from personal_fields p
    where p.email is not null and p.legal_name is null
        and mailbox_key(p.email) collate "C" = any($1::text[])
    union all
    select p.owner_id, p.email, p.family_name, p.given_name
    from unnest($2::text[], $3::text[]) as part (begins, ends)
    join personal_fields p on p.email is not null and p.legal_name is null
        and mailbox_key(p.email) collate "C" >= part.begins and mailbox_key(p.email) collate "C" < part.ends
),
named as (
    select owner_id, email from found
    where (folded(family_name) = folded($5) and folded(given_name) = folded($6)) is not true
)
select n.email
from named n
where n.owner_id is distinct from $7 and exists (select from account_versions a where a.account_id = n.owner_id)
union all
select n.email
from named n join contacts c on c.contact_id = n.owner_id
where c.contact_id is distinct from $8 and not exists (
    select from bindings b where b.contact_id = c.contact_id and upper_inf(b.recorded) and upper_inf(b.during)
)
union all
select n.email
from named n
join mandate_sides s on s.side_id = n.owner_id and s.address_state = 'verified'
join mandates m using (request_id)
join requests r using (request_id)
where r.request_id <> $9 and s.account_id is distinct from coalesce($7, gen_random_uuid())
    and (r.state in ('signing', 'submitted', 'returned') and r.lapses_on >= $4
        or r.outcome = 'approve' and m.revoked_at is null and coalesce((r.asked ->> 'ends_on')::date, $4) >= $4)
"""


async def lock(connection: Connection, mailbox: str) -> None:
    """Of two who give addresses that lead to one mailbox, the second waits, and then sees the first."""
    await connection.execute("select pg_advisory_xact_lock($1)", lock_number("authorizations.mailbox", mailbox))


async def of_others(connection: Connection, at: Places, giver: Giver, day: date) -> Sequence[str]:
    """The addresses at these places by which others are known than whoever gives one, on the agency's day."""
    rows = await connection.fetch(
        KNOWN,
        list(at.keys),
        list(at.beginnings),
        [end_of(beginning) for beginning in at.beginnings],
        day,
        giver.family_name,
        giver.given_name,
        giver.account_id,
        giver.contact_id,
        giver.request_id,
    )
    return [row["email"] for row in rows]
