"""Rows of former credentials. User names stand here as keyed digests only."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from asyncpg import Record

from chassis.database import Connection, Pool
from services.linking.former_credentials.domain import Candidate, File, Kept
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


def _kept(row: Record) -> Kept:
    return Kept(
        setting=Setting(row["scheme"], row["function"], row["salt"], row["cost"], row["length"]),
        stretch_salt=row["stretch_salt"],
        stretch_memory=row["stretch_memory"],
        stretch_passes=row["stretch_passes"],
        digest=row["digest"],
    )
