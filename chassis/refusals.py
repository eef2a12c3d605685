"""Refusals of callers who are known, noted in the audit: each by itself, as long as nobody fills it by trying.

One actor's are noted up to a number an hour. What goes beyond is counted in a row for each thing that was tried and
each reason, as is what a door refuses again within a minute; a worker notes the counts (chassis/chores.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from chassis import limits

if TYPE_CHECKING:
    from chassis.work import Actor, Work

TRACEABLE = frozenset({"account", "agent", "machine", "operator"})
"""Kinds of actors whose refused tries are noted."""

WINDOW = timedelta(minutes=1)  # what a door refuses to the same actor for the same reason within it is one entry
PORTION = 500  # rows of counts in one transaction
EVERY = 20.0  # seconds between two looks at the counts


@dataclass(frozen=True)
class _Budget:
    count: int
    per_seconds: int


NOTED = _Budget(count=100, per_seconds=3600)  # of one actor: more than a person stumbles over in an hour

# Nobody waits for the flush of a count, and so not for each other's either: a PostgreSQL that dies forgets 0.6 s of it.
AGAIN = """
update refusals_counted set unnoted = unnoted + 1
where (actor_kind, actor_id, attempted, code) = ($1, $2, $5, $6)
    and profile_id is not distinct from $3 and organization_id is not distinct from $4
returning set_config('synchronous_commit', 'off', true)
"""

COUNT = """
insert into refusals_counted as c
    (actor_kind, actor_id, profile_id, organization_id, attempted, code, since, due_at, unnoted)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
on conflict (actor_kind, actor_id, profile_id, organization_id, attempted, code)
    do update set unnoted = c.unnoted + excluded.unnoted
"""

DUE = """
delete from refusals_counted where ctid = any(array(
    select ctid from refusals_counted where due_at <= $1 order by due_at limit $2 for update skip locked
)) returning actor_kind, actor_id, profile_id, organization_id, attempted, code, since, unnoted
"""


@dataclass(frozen=True)
class Refused:
    """What was refused: `attempted` is a use case, or a method and a route; `ids` are those that were named.

    It stands in the file of the organization for which the actor acted, None where it acted for none.
    """

    attempted: str
    code: str
    organization_id: UUID | None = None
    ids: Mapping[str, str] = field(default_factory=dict)


async def note(work: "Work[Any]", refused: Refused) -> None:
    """Note one refusal, or count it once this actor's of this hour are noted. Nothing for strangers and services."""
    if work.actor.kind not in TRACEABLE:
        return
    noted = await _note(work, work.actor, refused.organization_id, _detail(refused) | {"ids": refused.ids})
    if not noted:
        await _count(work, work.actor, refused, 1, work.now)


async def note_at_the_door(work: "Work[Any]", refused: Refused) -> None:
    """The same before any use case began, where it costs nothing to try: within a minute, only the first."""
    if work.actor.kind not in TRACEABLE or await work.connection.fetchval(AGAIN, *_key(work.actor, refused)):
        return
    noted = await _note(work, work.actor, refused.organization_id, _detail(refused) | {"ids": refused.ids})
    await _count(work, work.actor, refused, 0 if noted else 1, work.now)


async def note_counts(work: "Work[Any]", limit: int) -> int:
    """Note what was counted until a minute ago: one entry for each count. Returns how many counts there were."""
    rows = await work.connection.fetch(DUE, work.now, limit)
    for row in rows:
        if row["unnoted"] == 0:
            continue
        actor = replace(work.actor, kind=row["actor_kind"], id=row["actor_id"], profile_id=row["profile_id"])
        refused = Refused(row["attempted"], row["code"], row["organization_id"])
        counted = {"count": row["unnoted"], "since": row["since"].isoformat()}
        noted = await _note(work, actor, refused.organization_id, _detail(refused) | counted)
        if noted:
            await _count(work, actor, refused, 0, work.now)
        else:
            await _count(work, actor, refused, row["unnoted"], row["since"])
    return len(rows)


async def _note(work: "Work[Any]", actor: "Actor", organization_id: UUID | None, detail: Mapping[str, Any]) -> bool:
    """Write an entry, unless the actor's of this hour are all written."""
    if await limits.spend(work.connection, "refusals_noted", actor.reference.encode(), NOTED, work.now):
        return False
    replace(work, actor=actor).audit("refused", organization_id=organization_id, **detail)
    return True


async def _count(work: "Work[Any]", actor: "Actor", refused: Refused, number: int, since: datetime) -> None:
    await work.connection.execute(COUNT, *_key(actor, refused), since, work.now + WINDOW, number)


def _detail(refused: Refused) -> dict[str, Any]:
    return {"attempted": refused.attempted, "code": refused.code}


def _key(actor: "Actor", refused: Refused) -> tuple[Any, ...]:
    return (actor.kind, actor.id, actor.profile_id, refused.organization_id, refused.attempted, refused.code)
