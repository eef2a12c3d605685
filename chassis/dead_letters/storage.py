"""Rows of dead_letters: choosing, locking, removing them."""

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Literal

from chassis.database import Connection, Pool
from chassis.letter import DeadLetter, storable
from chassis.pages import Listing

# A key that is no text, or not one of ours, is named by its digest: what an operator types is safe to log.
NAMED = "($2::text is null or key = convert_to($2, 'UTF8') or 'sha256:' || encode(sha256(key), 'hex') = $2)"
CHOSEN = f"($1::text is null or consumer = $1) and {NAMED}"

COLUMNS = tuple('"offset"' if field.name == "offset" else field.name for field in fields(DeadLetter))
SELECT = f"select id, {', '.join(COLUMNS)} from dead_letters"
WITHOUT_PAYLOAD = SELECT.replace("payload", "null::bytea as payload")  # a page of them may weigh 200 MB

EARLIER = """
select min(id) from dead_letters
where consumer = $1 and topic = $2 and key = $3 and ordered and id < $4
"""

FIGURES = """
select
    (select coalesce(jsonb_object_agg(consumer, number), '{}')
     from (select consumer, count(*) as number from dead_letters group by consumer) parked) as parked,
    (select coalesce(extract(epoch from clock_timestamp() - min(first_at)), 0)::float from dead_letters) as oldest,
    (select coalesce(jsonb_object_agg(ending, letters), '{}') from letters_settled) as settled
"""


Settled = Literal["redriven", "dropped"]


@dataclass(frozen=True)
class Choice:
    """Which letters: of one consumer, of one key (as `masking.key_of` shows it), of both, or all."""

    consumer: str | None = None
    key: str | None = None


@dataclass(frozen=True)
class Parked:
    """A letter in its place; a lower id was parked earlier."""

    id: int
    letter: DeadLetter


@dataclass(frozen=True)
class Chosen:
    """A letter to redrive: enough to know whether it waits for another."""

    id: int
    key: tuple[str, str, bytes | None]
    ordered: bool


def _parked(row: Any) -> Parked:
    values = dict(row)
    identity = values.pop("id")
    values["headers"] = [(name, value) for name, value in values["headers"]]
    return Parked(identity, DeadLetter(**values))


def listing(choice: Choice) -> Listing:
    """The chosen letters, oldest first, each as if it held nothing."""
    return Listing(f"{WITHOUT_PAYLOAD} where {CHOSEN}", [choice.consumer, choice.key], [("id", "bigint")])


def of_row(row: Any) -> Parked:
    """A row of the listing."""
    return _parked(row)


async def find(connection: Connection, letter_id: int) -> Parked | None:
    """One letter, as it is now."""
    row = await connection.fetchrow(f"{SELECT} where id = $1", letter_id)
    return None if row is None else _parked(row)


async def lock(connection: Connection, letter_id: int) -> Parked | None:
    """One letter, which nobody else removes until the transaction ends."""
    row = await connection.fetchrow(f"{SELECT} where id = $1 for update", letter_id)
    return None if row is None else _parked(row)


async def earlier(connection: Connection, parked: Parked) -> int | None:
    """The earliest letter that this one must wait for."""
    letter = parked.letter
    if not letter.ordered:
        return None
    found: int | None = await connection.fetchval(EARLIER, letter.consumer, letter.topic, letter.key, parked.id)
    return found


async def following(connection: "Connection | Pool", choice: Choice, after: int, limit: int) -> list[Chosen]:
    """The next of the chosen letters, oldest first."""
    rows = await connection.fetch(
        f"select id, consumer, topic, key, ordered from dead_letters where {CHOSEN} and id > $3 order by id limit $4",
        choice.consumer,
        choice.key,
        after,
        limit,
    )
    return [Chosen(row["id"], (row["consumer"], row["topic"], row["key"]), row["ordered"]) for row in rows]


async def consumers(pool: Pool) -> frozenset[str]:
    """Those that letters are parked for, also those that the service no longer has."""
    return frozenset(row["consumer"] for row in await pool.fetch("select distinct consumer from dead_letters"))


async def count(pool: Pool) -> int:
    """How many letters are parked in all."""
    number: int = await pool.fetchval("select count(*) from dead_letters")
    return number


async def settle(connection: Connection, letter_id: int, ending: Settled) -> None:
    """Take a letter away, and count how it ended. Whoever settles another meanwhile waits for this transaction."""
    await connection.execute("delete from dead_letters where id = $1", letter_id)
    await connection.execute(
        "insert into letters_settled as counted values ($1, 1)"
        " on conflict (ending) do update set letters = counted.letters + 1",
        ending,
    )


async def note_failure(connection: Connection, letter_id: int, reason: str, at: datetime) -> bool:
    """Keep why a letter failed again. False when it is gone."""
    return bool(
        await connection.fetchval(
            "update dead_letters set attempts = attempts + 1, last_at = $3, reason = $2, behind = false"
            " where id = $1 returning true",
            letter_id,
            storable(reason),
            at,
        )
    )
