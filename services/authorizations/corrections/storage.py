"""Rows that a correction changes: personal fields are written over, relations and rights get another version."""

from datetime import datetime
from uuid import UUID

from chassis.database import Connection
from services.authorizations.corrections.domain import Correction, HeldRight
from services.authorizations.periods import Period
from services.authorizations.relations.storage import CLOSING, COLUMNS

# The address on file stays as it is under the account's, which a linked contact is read with.
CORRECT = """
update personal_fields set family_name = coalesce($2, family_name), given_name = coalesce($3, given_name),
    email = coalesce($4, email), telephones = coalesce($5, telephones), language = coalesce($6, language)
where owner_id = $1
"""

CHANGE_RELATION = f"""
with closed as (
    update relations set recorded = tstzrange(lower(recorded), {CLOSING})
    where relation_id = $1 and upper_inf(recorded) and ended_at is null returning *
)
insert into relations ({COLUMNS}, version, ended_at, recorded)
select {COLUMNS.replace("valid", "$3::daterange")}, version + 1, null, tstzrange(upper(recorded), null) from closed
"""

CHANGE_RIGHT = f"""
with closed as (
    update rights set recorded = tstzrange(lower(recorded), {CLOSING})
    where right_id = $1 and upper_inf(recorded) and ended_at is null returning *
)
insert into rights (right_id, version, relation_id, subject, level, valid, ended_at, granted_by, request_id, recorded)
select right_id, version + 1, relation_id, subject, level, $3::daterange, null, granted_by, request_id,
    tstzrange(upper(recorded), null)
from closed
"""

RIGHTS = """
select held.right_id, held.subject, held.valid, first.valid as granted, relation.valid as relation_then
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


async def change_relation(connection: Connection, relation_id: UUID, period: Period, at: datetime) -> None:
    """From now on the relation is known to last so long."""
    await connection.execute(CHANGE_RELATION, relation_id, at, period.range)


async def change_right(connection: Connection, right_id: UUID, period: Period, at: datetime) -> None:
    """From now on the right is known to last so long."""
    await connection.execute(CHANGE_RIGHT, right_id, at, period.range)


async def rights(connection: Connection, relation_id: UUID) -> list[HeldRight]:
    """A relation's rights that were not withdrawn."""
    rows = await connection.fetch(RIGHTS, relation_id)
    return [
        HeldRight(
            row["right_id"],
            row["subject"],
            Period.stored(row["valid"]),
            Period.stored(row["granted"]),
            Period.stored(row["relation_then"]),
        )
        for row in rows
    ]
