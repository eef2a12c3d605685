"""Rows of imports while they wait: staged by COPY, parted into portions, and gone as each portion is carried out."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args
from uuid import UUID

from chassis.database import Connection, Pool
from chassis.pages import Listing
from contracts.extract import ROW
from services.authorizations.imports.domain import Portion, Staged, Verdict
from services.authorizations.imports.reading import Defect, Read, SealedFacts
from services.authorizations.imports.turns import by_turns

PATIENCE = 600.0  # seconds for the few statements that look at a whole extract: ten million rows take a minute

VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
COLUMNS = (
    "import_id", "place", "line", "at", "record", "kind", "number", "client_number", "content", "facts", "facts_digest",
)  # fmt: skip

# Organizations in the order of their kinds' ranks, as many together as give a portion of rows.
PART = """
with owners as (
    select kind, number, count(*) as rows, coalesce(max(ranked.rank), 0) as rank
    from import_rows left join unnest($2::text[], $3::int[]) as ranked (of_kind, rank) on ranked.of_kind = kind
    where import_id = $1 group by kind, number
)
insert into import_organizations (import_id, kind, number, portion)
select $1, kind, number, ((sum(rows) over (order by rank, kind, number) - 1) / $4)::int from owners
"""

OF_PORTION = """
select r.place, r.line, r.at, r.content, r.facts, r.facts_digest
from import_organizations o join import_rows r using (import_id, kind, number)
where o.import_id = $1 and o.portion = $2
"""

LEAVE = """
delete from import_rows r using import_organizations o
where o.import_id = $1 and o.portion = $2 and (r.import_id, r.kind, r.number) = (o.import_id, o.kind, o.number)
"""

# What a dry run has judged well and not written: rows of some organizations that stand in earlier portions.
JUDGED_WELL = """
select r.place, r.line, r.at, r.content, r.facts, r.facts_digest
from unnest($3::text[], $4::text[]) as named (kind, number)
join import_organizations o on o.import_id = $1 and o.portion < $2 and (o.kind, o.number) = (named.kind, named.number)
join import_rows r on (r.import_id, r.kind, r.number) = (o.import_id, o.kind, o.number)
where (r.record = 'organization' or r.record in ('contact', 'membership') and r.client_number = any($5::text[]))
    and not exists (select from import_defects d where d.import_id = r.import_id and d.place = r.place and d.rejects)
"""


@dataclass(frozen=True)
class ImportRow:
    """An import and how far it has come; counts are rows of the extract."""

    import_id: UUID
    dry_run: bool
    state: str
    actor_kind: str
    actor_id: str
    requested_at: datetime
    finished_at: datetime | None
    next_portion: int
    portions: int | None
    read: int
    created: int
    changed: int
    unchanged: int
    rejected: int
    noted: int
    failures: int
    failed_at: datetime | None


async def add(connection: Connection, import_id: UUID, actor: tuple[str, str], now: datetime, *, dry_run: bool) -> None:
    """Make an import that receives its rows."""
    await connection.execute(
        "insert into imports (import_id, dry_run, state, actor_kind, actor_id, requested_at)"
        " values ($1, $2, 'receiving', $3, $4, $5)",
        import_id, dry_run, *actor, now,
    )  # fmt: skip


async def stage(connection: Connection, import_id: UUID, first: int, found: Sequence[Read]) -> None:
    """Keep rows that were read, and defects of those that were not; `first` is the place of the first."""
    numbered = list(enumerate(found, first))
    rows = [
        (
            import_id, place, read.line, read.at, read.found.record, *read.found.organization,
            getattr(read.found, "client_number", None), read.found.model_dump_json(exclude_unset=True),
            read.facts and read.facts.sealed, read.facts and read.facts.digest,
        )
        for place, read in numbered
        if not isinstance(read.found, Defect)
    ]  # fmt: skip
    faulty = [(place, read, read.found) for place, read in numbered if isinstance(read.found, Defect)]
    await connection.copy_records_to_table("import_rows", records=rows, columns=COLUMNS)
    await add_defects(
        connection, import_id, [(place, read.line, read.at, read.keys, defect) for place, read, defect in faulty]
    )
    await connection.execute(
        "update imports set read = read + $2, rejected = rejected + $3 where import_id = $1",
        import_id, len(numbered), len(faulty),
    )  # fmt: skip


async def add_defects(
    connection: Connection, import_id: UUID, found: Iterable[tuple[int, int, str, Mapping[str, str], Defect]]
) -> None:
    """Keep defects: place, line, place in the line, what names the row, what is wrong."""
    await connection.executemany(
        "insert into import_defects (import_id, place, line, at, keys, code, rejects, parameters)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8)",
        [
            (import_id, place, line, at, keys, defect.code, defect.rejects, defect.parameters)
            for place, line, at, keys, defect in found
        ],
    )


async def part(connection: Connection, import_id: UUID, ranks: Mapping[str, int], size: int) -> None:
    """Everything has been received: part it into portions of about `size` rows, which wait to be carried out."""
    await connection.execute("set local statement_timeout = 0")
    await connection.execute(PART, import_id, list(ranks), list(ranks.values()), size, timeout=PATIENCE)
    await connection.execute("analyze import_rows, import_organizations", timeout=PATIENCE)  # empty until just now
    await connection.execute(
        "update imports set state = 'waiting', portions = (select coalesce(max(portion) + 1, 0)"
        " from import_organizations where import_id = $1) where import_id = $1 and state = 'receiving'",
        import_id,
    )


async def next_waiting(pool: Pool, failed_before: datetime) -> ImportRow | None:
    """The oldest import that has portions left, and has not failed since an instant."""
    row = await pool.fetchrow(
        "select * from imports where state = 'waiting' and (failed_at is null or failed_at < $1)"
        " order by requested_at, import_id limit 1",
        failed_before,
    )
    return ImportRow(**row) if row else None


async def get(connection: "Pool | Connection", import_id: UUID) -> ImportRow | None:
    """An import by id."""
    row = await connection.fetchrow("select * from imports where import_id = $1", import_id)
    return ImportRow(**row) if row else None


async def claim(connection: Connection, import_id: UUID) -> ImportRow | None:
    """Lock an import for one portion; None while somebody else carries one out, or when it is done."""
    row = await connection.fetchrow(
        "select * from imports where import_id = $1 and state = 'waiting' for update skip locked", import_id
    )
    return ImportRow(**row) if row else None


async def portion_at(connection: "Pool | Connection", import_id: UUID, portion: int) -> Portion:
    """One of an import's portions, whose rows never change and leave the staging once it is carried out."""
    rows = await connection.fetch(OF_PORTION, import_id, portion)
    return Portion.of([_staged(row) async for row in by_turns(rows)])


async def leave(connection: Connection, found: ImportRow) -> None:
    """The rows of the portion that is carried out leave the staging, and stand in it again if that fails."""
    await connection.execute(LEAVE, found.import_id, found.next_portion)


async def judged_well(connection: Connection, found: ImportRow, portion: Portion) -> Portion:
    """Of a dry run: the rows of earlier portions that those of this one would stand on."""
    named = sorted(portion.organizations)
    rows = await connection.fetch(
        JUDGED_WELL, found.import_id, found.next_portion, [kind for kind, _ in named], [number for _, number in named],
        sorted({client_number for _, client_number in portion.members}),
    )  # fmt: skip
    return Portion.of(_staged(row) for row in rows)


def _staged(row: Any) -> Staged:
    facts = SealedFacts(row["facts"], row["facts_digest"]) if row["facts"] else None
    return Staged(row["place"], row["line"], row["at"], ROW.validate_json(row["content"]), facts)


async def advance(connection: Connection, found: ImportRow, verdicts: Mapping[Verdict, int], noted: int) -> None:
    """One portion is done."""
    counts = [verdicts.get(verdict, 0) for verdict in VERDICTS]
    await connection.execute(
        "update imports set next_portion = next_portion + 1, created = created + $2, changed = changed + $3,"
        " unchanged = unchanged + $4, rejected = rejected + $5, noted = noted + $6, failures = 0, failed_at = null"
        " where import_id = $1",
        found.import_id,
        *counts,
        noted,
    )


async def fail(connection: Connection, import_id: UUID, now: datetime) -> int | None:
    """The next portion could not be carried out. How often it has failed by now; None when nothing is to be done."""
    failures: int | None = await connection.fetchval(
        "update imports set failures = failures + 1, failed_at = $2 where import_id = $1 and state = 'waiting'"
        " returning failures",
        import_id,
        now,
    )
    return failures


async def finish(
    connection: Connection, import_id: UUID, now: datetime, state: Literal["done", "given_up"] = "done"
) -> None:
    """No more portion is carried out: nothing of the extract stays but its defects."""
    await _delete(connection, import_id, "import_rows", "import_organizations")
    await connection.execute(
        "update imports set state = $3, finished_at = $2 where import_id = $1", import_id, now, state
    )


async def forget(connection: Connection, import_id: UUID) -> None:
    """Drop an import that was never received to its end."""
    await _delete(connection, import_id, "import_rows", "import_organizations", "import_defects", "imports")


def listed_defects(import_id: UUID) -> Listing:
    """The defects of an import, in the extract's order."""
    query = "select * from import_defects where import_id = $1"
    return Listing(query, [import_id], (("place", "bigint"), ("code", "text")), naming=("place", "code"))


async def unfinished(pool: Pool, state: Literal["receiving", "waiting"], before: datetime) -> list[UUID]:
    """Imports that were requested before an instant and are still received, or still wait for portions."""
    rows = await pool.fetch(
        "select import_id from imports where state = $1 and requested_at < $2 order by import_id", state, before
    )
    return [row["import_id"] for row in rows]


async def with_old_defects(pool: Pool, before: datetime) -> list[UUID]:
    """Imports that ended before an instant, whose defects are still there."""
    rows = await pool.fetch(
        "select import_id from imports i where finished_at < $1"
        " and exists (select from import_defects d where d.import_id = i.import_id) order by import_id",
        before,
    )
    return [row["import_id"] for row in rows]


async def forget_defects(connection: Connection, import_id: UUID) -> None:
    """Delete the defects of an import; its counts stay."""
    await _delete(connection, import_id, "import_defects")


async def _delete(connection: Connection, import_id: UUID, *tables: str) -> None:
    await connection.execute("set local statement_timeout = 0")
    for table in tables:
        await connection.execute(f"delete from {table} where import_id = $1", import_id, timeout=PATIENCE)
