"""Per organization: what an import could not bring in, or what somebody should look at, until it is settled."""

from datetime import datetime
from uuid import UUID

from chassis.database import Connection

# An item of each organization that the row names: the one acted for, and the one that acts or whose member acts.
ADD = """
insert into migration_items
    (item_id, organization_id, digest, import_id, code, rejects, keys, parameters, found_at)
select uuidv7(), o.organization_id,
    sha256(convert_to(jsonb_build_array(d.code, d.keys, d.parameters)::text, 'UTF8')),
    d.import_id, d.code, d.rejects, d.keys, d.parameters, $2
from import_defects d
join organizations o on (o.kind, o.number) in
    ((d.keys ->> 'kind', d.keys ->> 'number'), (d.keys ->> 'holder_kind', d.keys ->> 'holder_number'))
where d.import_id = $1
on conflict (organization_id, digest) do update set import_id = excluded.import_id
"""


async def add_items(connection: Connection, import_id: UUID, now: datetime) -> None:
    """Put an import's defects before the organizations that they are about. What was settled stays settled."""
    await connection.execute("set local statement_timeout = 0")
    await connection.execute(ADD, import_id, now, timeout=600.0)
