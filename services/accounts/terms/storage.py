"""The table `terms_acceptances`."""

from chassis.database import Connection, Pool
from services.accounts.people.domain import Account

INSERT = """
insert into terms_acceptances (account_id, terms_version, accepted_at) values ($1, $2, $3) on conflict do nothing
"""
VERSIONS = "select distinct terms_version from terms_acceptances"


async def insert_acceptance(connection: Connection, account: Account) -> None:
    """Keep which version the account's person has just accepted; one accepted before keeps its first instant."""
    await connection.execute(INSERT, account.account_id, account.terms_version, account.terms_accepted_at)


async def accepted_versions(pool: Pool) -> list[str]:
    """Every version that somebody ever accepted."""
    return [row["terms_version"] for row in await pool.fetch(VERSIONS)]
