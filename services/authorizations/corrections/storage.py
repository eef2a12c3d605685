"""What a correction writes over in a contact's file, and what it has to know of rights."""

from uuid import UUID

from chassis.database import Connection
from services.authorizations.corrections.domain import Correction, GrantedRight
from services.authorizations.periods import Period

# The address on file stays as it is under the account's, which a linked contact is read with.
CORRECT = """
update personal_fields set family_name = coalesce($2, family_name), given_name = coalesce($3, given_name),
    email = coalesce($4, email), telephones = coalesce($5, telephones), language = coalesce($6, language)
where owner_id = $1
"""

RIGHTS = """
select held.right_id, held.subject, held.level::text as level, held.valid,
    first.valid as granted, relation.valid as relation_then
from rights held
join rights first on first.right_id = held.right_id and first.version = 1
join relations relation on relation.relation_id = held.relation_id and relation.recorded @> lower(first.recorded)
where held.relation_id = $1 and upper_inf(held.recorded) and held.ended_at is null order by held.right_id
"""


async def correct(connection: Connection, contact_id: UUID, correction: Correction) -> None:
    """Write what the correction says over a contact's personal fields."""
    telephones = correction.telephones
    await connection.execute(
        CORRECT,
        contact_id,
        correction.family_name,
        correction.given_name,
        correction.email,
        None if telephones is None else [telephone.model_dump() for telephone in telephones],
        correction.language,
    )


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
