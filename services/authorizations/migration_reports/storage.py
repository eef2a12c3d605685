"""Items of the reports: made from an import's defects, listed, marked as settled."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from chassis.database import Connection
from chassis.pages import Listing

PATIENCE = 600.0  # seconds, for the defects of a whole extract at once

Outcome = Literal["confirmed", "corrected"]

# An item of each organization that the row names: the one acted for, and the one that acts or whose member acts. A
# client number shows to the organization whose contact it names, and never to a client of that organization.
ADD = """
insert into migration_items
    (item_id, organization_id, digest, import_id, code, rejects, keys, parameters, found_at)
select distinct on (o.organization_id, found.digest) uuidv7(), o.organization_id, found.digest, $1, found.code,
    found.rejects, named.keys, found.parameters, $2
from (
    select *, sha256(convert_to(jsonb_build_array(code, keys, parameters)::text, 'UTF8')) as digest
    from import_defects where import_id = $1
) found
cross join lateral (values
    (keys ->> 'kind', keys ->> 'number',
        case when keys ->> 'record' in ('contact', 'membership') then keys else keys - 'client_number' end),
    (keys ->> 'holder_kind', keys ->> 'holder_number', keys)
) as named (kind, number, keys)
join organizations o on (o.kind, o.number) = (named.kind, named.number)
order by o.organization_id, found.digest, found.place
on conflict (organization_id, digest) do update set import_id = excluded.import_id
"""

LIST = """
select i.*, nullif(concat_ws(' ', p.given_name, p.family_name), '') as name
from migration_items i
left join contacts c on c.organization_id = i.organization_id and c.client_number = i.keys ->> 'client_number'
left join personal_fields p on p.owner_id = c.contact_id
where i.organization_id = $1 and ($2::bool is null or (i.settled is not null) = $2)
"""


async def add_items(connection: Connection, import_id: UUID, now: datetime) -> None:
    """Put an import's defects before the organizations that they are about. What was settled stays settled."""
    await connection.execute("set local statement_timeout = 0")
    await connection.execute(ADD, import_id, now, timeout=PATIENCE)


def listed(organization_id: UUID, settled: bool | None) -> Listing:
    """An organization's items, the oldest first."""
    return Listing(LIST, [organization_id, settled], (("item_id", "uuid"),))


async def settle(connection: Connection, organization_id: UUID, item_id: UUID, outcome: Outcome, now: datetime) -> bool:
    """Mark an item of the organization. False when it has no such item."""
    marked = await connection.fetchval(
        "update migration_items set settled = $3, settled_at = $4 where organization_id = $1 and item_id = $2"
        " returning true",
        organization_id, item_id, outcome, now,
    )  # fmt: skip
    return bool(marked)
