"""What a correction has to know of rights."""

from uuid import UUID

from chassis.database import Connection
from services.authorizations.corrections.domain import GrantedRight
from services.authorizations.periods import Period

RIGHTS = """
select held.right_id, held.subject, held.level::text as level, held.valid,
    first.valid as granted, relation.valid as relation_then
from rights held
join rights first on first.right_id = held.right_id and first.version = 1
join relations relation on relation.relation_id = held.relation_id and relation.recorded @> lower(first.recorded)
where held.relation_id = $1 and upper_inf(held.recorded) and held.ended_at is null order by held.right_id
"""


async def rights(connection: Connection, relation_id: UUID) -> list[GrantedRight]:
    """A relation's rights that were not withdrawn."""
    rows = await connection.fetch(RIGHTS, relation_id)
    return [
        GrantedRight(
            row["right_id"],
            row["subject"],
            row["level"],
            Period.stored(row["valid"]),
            Period.stored(row["granted"]),
            Period.stored(row["relation_then"]),
        )
        for row in rows
    ]
