"""Per organization: what an import could not bring in, or what somebody should look at, until it is settled."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from chassis.database import Connection
from chassis.outcomes import Refusal
from chassis.pages import Listing
from chassis.work import Work
from services.authorizations.access.domain import AsAgent, AsProfile
from services.authorizations.access.handlers import permitted
from services.authorizations.organizations import storage as organizations
from services.authorizations.tools import Tools

PATIENCE = 600.0  # seconds, for the defects of a whole extract at once

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


@dataclass(frozen=True)
class Settle:
    """What a manager or an agent answers about an item."""

    by: AsProfile | AsAgent
    organization_id: UUID
    item_id: UUID
    outcome: Literal["confirmed", "corrected"]


async def add_items(connection: Connection, import_id: UUID, now: datetime) -> None:
    """Put an import's defects before the organizations that they are about. What was settled stays settled."""
    await connection.execute("set local statement_timeout = 0")
    await connection.execute(ADD, import_id, now, timeout=PATIENCE)


def listed(organization_id: UUID, settled: bool | None) -> Listing:
    """An organization's items, the oldest first."""
    return Listing(LIST, [organization_id, settled], (("item_id", "uuid"),))


async def settle(work: Work[Tools], command: Settle) -> UUID | Refusal:
    """Mark an item; the last answer counts. Returns its id."""
    await organizations.lock(work.connection, [command.organization_id])
    work.take_time()
    if refusal := await permitted(work, command.by, command.organization_id):
        return refusal
    marked = await work.connection.fetchval(
        "update migration_items set settled = $3, settled_at = $4 where organization_id = $1 and item_id = $2"
        " returning true",
        command.organization_id,
        command.item_id,
        command.outcome,
        work.now,
    )
    if not marked:
        return Refusal("not_found")
    work.audit(
        "migration_item_settled",
        organization_id=command.organization_id,
        object_id=command.item_id,
        outcome=command.outcome,
    )
    return command.item_id
