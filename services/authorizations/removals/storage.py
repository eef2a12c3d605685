"""What a contact would lose, a listing that may be tens of thousands long, and which clients keep the person."""

from collections.abc import Collection
from datetime import date, datetime
from uuid import UUID

from chassis.database import Connection
from chassis.pages import Listing
from services.authorizations.access.domain import Moment
from services.authorizations.access.storage import ENTITLEMENTS, IN_FORCE
from services.authorizations.dated import in_force, known

# $1 to $3 as in the one query, $4 the contact, $5 the relations and $6 the rights that would be withdrawn, $7 the
# relations that either stand on. Organization by organization, so that a page reads no more of them than it shows; a
# subject is lost where what is kept carries it no more, or for reading only.
LOSSES = f"""
select o.organization_name, o.organization_id, lost.subject, lost.level
from (
    select distinct p.sorted_name as organization_name, r.organization_id
    from relations r join personal_fields p on p.owner_id = r.organization_id
    where r.holder_id = $4 and (r.relation_id = any($7::uuid[]) or r.membership = any($5::uuid[])) and {known("r")}
        /* begins: p.sorted_name, r.organization_id */ /* named: r.organization_id */
    order by p.sorted_name, r.organization_id
) o
cross join lateral (
    select e.subject, max(e.level)::text as level from ({ENTITLEMENTS}) e
    where e.holder_id = $4 and e.organization_id = o.organization_id and {IN_FORCE}
    group by e.subject
    having max(e.level) is distinct from max(e.level) filter (where not (
        e.relation_id = any($5) or coalesce(e.membership = any($5), false) or e.right_id = any($6::uuid[])))
) lost
"""

# Contacts of an organization's clients who are the same person as its own contact $3: the same account, else the same
# client number. $1 and $2 as in the one query.
OWN_CONTACTS_OF_CLIENTS = f"""
with leaver as (
    select c.contact_id, c.organization_id, c.client_number, b.account_id from contacts c
    left join bindings b on b.contact_id = c.contact_id and {known("b")} and upper_inf(b.during)
    where c.contact_id = $3
), same as (
    select c.contact_id from leaver join contacts c using (client_number)
    left join bindings b on b.contact_id = c.contact_id and {known("b")} and upper_inf(b.during)
    where leaver.account_id is null or b.account_id is null
    union
    select b.contact_id from leaver join bindings b using (account_id) where {known("b")} and upper_inf(b.during)
)
select own.contact_id, own.organization_id from same join contacts own using (contact_id) cross join leaver
where exists (select from relations r where r.holder_id = leaver.organization_id
        and r.organization_id = own.organization_id and {known("r")} and {in_force("r")})
    and exists (select from relations r where r.holder_id = own.contact_id and r.through is null
        and {known("r")} and {in_force("r")})
order by own.contact_id
"""


def losses(
    moment: Moment,
    contact_id: UUID,
    relations: Collection[UUID],
    rights: Collection[UUID],
    concerned: Collection[UUID],
) -> Listing:
    """By organization, then by subject: what the contact may do at the moment, and could not without these.

    `concerned` are the relations, and those that the rights are of.
    """
    return Listing(
        LOSSES,
        [moment.at, moment.day, moment.delegable, contact_id, list(relations), list(rights), list(concerned)],
        order=[("organization_name", "text"), ("organization_id", "uuid"), ("subject", "text")],
        naming=["organization_id", "subject"],
        walked=True,
    )


async def delegations(connection: Connection, memberships: Collection[UUID], contact_id: UUID, day: date) -> int:
    """How many delegations, in force or yet to begin, a contact has by these memberships."""
    found: int = await connection.fetchval(
        f"select count(*) from relations r where r.holder_id = $1 and r.membership = any($2::uuid[]) and {known('r')}"
        " and r.ended_at is null and (upper_inf(r.valid) or upper(r.valid) > $3::date)",
        contact_id,
        list(memberships),
        day,
    )
    return found


async def own_contacts_of_clients(
    connection: Connection, at: datetime, day: date, contact_id: UUID
) -> dict[UUID, UUID]:
    """The contacts, with their organizations, that clients of the contact's organization made of the same person."""
    rows = await connection.fetch(OWN_CONTACTS_OF_CLIENTS, at, day, contact_id)
    return {row["contact_id"]: row["organization_id"] for row in rows}
