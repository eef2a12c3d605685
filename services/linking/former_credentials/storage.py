"""Rows of former credentials. User names stand here as keyed digests only."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from asyncpg import Record

from chassis.database import Connection, Pool
from services.linking.former_credentials.domain import Candidate, File, Kept, LeftOut, NotLinked
from services.linking.former_credentials.schemes import Setting

KEPT = """
select credential_id, scheme, function, salt, cost, length, stretch_salt, stretch_memory, stretch_passes, digest
from former_credentials where method = $1
"""
BY_USER_NAME = KEPT + "and user_name = any ($2) limit 1"
# Whose work an unknown user name costs: that of the same neighbour each time, so that the known and the unknown take as
# long as each other, whatever mixture of schemes was imported.
NEXT = KEPT + "and user_name >= $2 order by user_name limit 1"
FIRST = KEPT + "order by user_name limit 1"

FILES = """
select client_number, organization_kind, organization_number from former_credential_files where credential_id = $1
"""

IS_ON_FILE = """
select exists (
    select from former_credential_files f
    join contacts c using (client_number) join organizations o using (organization_id)
    join people p on p.kind = 'contact' and p.id = c.contact_id
    where f.credential_id = $1 and lower(p.email) = lower($2)
        and (f.organization_number is null
            or f.organization_number = o.number and f.organization_kind = coalesce(o.kind, f.organization_kind))
)
"""

# Waits for another redemption of the same user name to end, and then makes no row.
REDEEM = """
insert into former_redemptions (method, user_name, account_id, redeemed_at) values ($1, $2, $3, $4)
on conflict do nothing returning true
"""
REDEEMED = "select true from former_redemptions where method = $1 and user_name = any ($2)"
FORGET = "delete from former_credentials where credential_id = $1"
FORGET_ALL_BUT = "delete from former_credentials where method <> all ($1) returning method"

KEEP = """
insert into former_credentials
    (credential_id, method, user_name, imported_at,
     scheme, function, salt, cost, length, stretch_salt, stretch_memory, stretch_passes, digest)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
"""
KEEP_FILES = """
insert into former_credential_files (credential_id, client_number, organization_kind, organization_number)
values ($1, $2, $3, $4)
"""

KEEP_LEFT_OUT = """
insert into former_redemption_left_out (redemption_id, place, why, organization_id, organization_number, noted_at)
values ($1, $2, $3, $4, $5, $6)
"""
LEFT_OUT = """
select why, coalesce(o.number, l.organization_number) as organization_number, o.name as organization_name
from former_redemption_left_out l left join organizations o using (organization_id)
where redemption_id = $1 order by place
"""
FORGET_LEFT_OUT = "delete from former_redemption_left_out where noted_at < $1"

METHODS_IN_USE = "select distinct method from former_credentials"


async def methods_in_use(pool: Pool) -> list[str]:
    """Codes of the linking methods that credentials name."""
    return [row["method"] for row in await pool.fetch(METHODS_IN_USE)]


async def find(connection: Connection, method: str, lookups: Sequence[bytes]) -> Candidate | None:
    """The credential of a user name; `lookups` are its digests under every key that is kept."""
    row = await connection.fetchrow(BY_USER_NAME, method, lookups)
    return Candidate(row["credential_id"], _kept(row)) if row else None


async def neighbour(connection: Connection, method: str, lookup: bytes) -> Kept | None:
    """A credential whose work stands in for that of a user name that has none. None while there is none at all."""
    row = await connection.fetchrow(NEXT, method, lookup) or await connection.fetchrow(FIRST, method)
    return _kept(row) if row else None


async def files(connection: Connection, credential_id: UUID) -> tuple[File, ...]:
    """What a credential stood for; nothing once it is redeemed."""
    rows = await connection.fetch(FILES, credential_id)
    return tuple(File(row["client_number"], row["organization_kind"], row["organization_number"]) for row in rows)


async def is_on_file(connection: Connection, credential_id: UUID | None, email: str | None) -> bool:
    """Whether an address stands on one of the files that a credential stands for. Asked for one that is none, too."""
    return await connection.fetchval(IS_ON_FILE, credential_id, email) is True


async def is_redeemed(connection: Connection, method: str, lookups: Sequence[bytes]) -> bool:
    """Whether the user name was redeemed before."""
    return await connection.fetchval(REDEEMED, method, lookups) is True


async def redeem(connection: Connection, method: str, lookup: bytes, account_id: UUID, now: datetime) -> bool:
    """Note that the user name is redeemed. False when another redemption was faster."""
    return await connection.fetchval(REDEEM, method, lookup, account_id, now) is True


async def forget(connection: Connection, credential_id: UUID) -> None:
    """Delete a credential with its hash and its files."""
    await connection.execute(FORGET, credential_id)


async def forget_all_but(connection: Connection, methods: Collection[str]) -> int:
    """Delete every credential of other methods than these. Returns how many there were."""
    return len(await connection.fetch(FORGET_ALL_BUT, list(methods)))


async def keep(
    connection: Connection,
    credential_id: UUID,
    method: str,
    lookup: bytes,
    kept: Kept,
    stood_for: Collection[File],
    now: datetime,
) -> None:
    """Keep an imported credential. A second one of the user name breaks a unique index, and the handler runs again."""
    setting = kept.setting
    await connection.execute(
        KEEP,
        credential_id,
        method,
        lookup,
        now,
        setting.scheme,
        setting.function,
        setting.salt,
        setting.cost,
        setting.length,
        kept.stretch_salt,
        kept.stretch_memory,
        kept.stretch_passes,
        kept.digest,
    )
    rows = [(credential_id, file.client_number, file.organization_kind, file.organization_number) for file in stood_for]
    await connection.executemany(KEEP_FILES, rows)


async def keep_left_out(
    connection: Connection, redemption_id: UUID, left_out: Sequence[NotLinked], now: datetime
) -> None:
    """Note what a redemption did not link, so that a repeated request is answered the same."""
    rows = [
        (redemption_id, place, one.why, one.organization_id, one.organization_number, now)
        for place, one in enumerate(left_out)
    ]
    await connection.executemany(KEEP_LEFT_OUT, rows)


async def left_out(connection: Connection, redemption_id: UUID) -> list[LeftOut]:
    """What a redemption did not link."""
    return [LeftOut(**row) for row in await connection.fetch(LEFT_OUT, redemption_id)]


async def forget_left_out(connection: Connection, before: datetime) -> None:
    """Delete what was noted before."""
    await connection.execute(FORGET_LEFT_OUT, before)


def _kept(row: Record) -> Kept:
    return Kept(
        setting=Setting(row["scheme"], row["function"], row["salt"], row["cost"], row["length"]),
        stretch_salt=row["stretch_salt"],
        stretch_memory=row["stretch_memory"],
        stretch_passes=row["stretch_passes"],
        digest=row["digest"],
    )
