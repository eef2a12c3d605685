"""What a journey must not leave behind, whichever agency's guide was played."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from importlib import import_module

import asyncpg
import httpx

from chassis import keys, rotation
from chassis.database import Pool
from chassis.keys import Keyring
from chassis.made import Locked, relock
from chassis.sealing import Vault, start_of_locked
from contracts.agency import load
from local.journeys.account import register, sign_in
from local.journeys.narrator import Narrator
from local.journeys.playing import Journey, signed_in
from local.journeys.portal import ONE_TIME_CODE, Portal, Someone, code_in, now
from local.ports import SERVICES
from local.stack import Stack
from tests.fixtures.patience import PATIENCE


async def everything_arrived(stack: Stack) -> None:
    """Nothing stays in an outbox, and nothing was parked."""
    for name in SERVICES:
        connection = await asyncpg.connect(stack.postgres.url(name))
        try:
            async with asyncio.timeout(PATIENCE):
                while await connection.fetchval("select count(*) from outbox"):
                    await asyncio.sleep(0.05)
            assert await connection.fetchval("select count(*) from dead_letters") == 0
        finally:
            await connection.close()


async def everything_starts_again(stack: Stack) -> None:
    """Each service finds that the agency's folder has every code that the journey put in use."""
    await asyncio.gather(*(asyncio.to_thread(stack.start_again, member) for member in stack.members))


async def everything_starts_again_with_other_keys(stack: Stack) -> set[str]:
    """Every key of every service is rotated; each service starts anew, and keeps nothing under an older storage key.

    Returns the columns in which something was locked anew.
    """
    async with httpx.AsyncClient(timeout=PATIENCE) as http:
        by_code = load(stack.agency_folder).accounts.confirmation == "code"
        go_on = await _registered(stack, http) if by_code else None
        before = {service: _rotated(stack, service) for service in SERVICES}
        keys.write_public([keys.read(stack.keyrings.private(service)) for service in SERVICES], stack.keyrings.public)
        await everything_starts_again(stack)
        if go_on is not None:
            await go_on()
    found: set[str] = set()
    for service in SERVICES:
        locked = import_module(f"services.{service}.app").service.made.locked
        ring = keys.read(stack.keyrings.private(service))
        async with asyncpg.create_pool(stack.postgres.url(service), min_size=1, max_size=2) as pool:
            columns = await _columns_under(pool, before[service])
            assert columns <= {f"{one.table}.{one.column}" for one in locked}
            done = [one async for one in relock(pool, Vault(ring), locked)]
            assert not any(one.unreadable for one in done)
            assert await _columns_under(pool, before[service]) == set()
            await _opens(pool, Vault(replace(ring, storage=ring.storage[:1])), locked)
            found |= columns
    return found


async def _registered(stack: Stack, http: httpx.AsyncClient) -> Callable[[], Awaitable[None]]:
    """Somebody whose registration began. Returns what they do later: open the account, sign in, have another mail."""
    told = Narrator(say=lambda _: None)
    journey = Journey(Portal(stack, told, http), told)
    portal, who = (
        journey.portal,
        Someone("demo@rotated.example", "quatre mésanges au verger", "Démo", "Personne", "fr"),
    )
    terms, since = await portal.call(who, "accounts", "GET", "/v1/terms", expect=200), now()
    path = f"/v1/registrations/{(await register(journey, who, terms['version']))['registration_id']}/verification"
    code = code_in(await portal.mail(who.email, since, "the one-time code"), ONE_TIME_CODE)

    async def go_on() -> None:
        signed_in(who, await portal.call(who, "accounts", "POST", path, json={"code": code}, expect=201))
        await sign_in(journey, who)
        since = now()
        await portal.call(who, "accounts", "POST", "/v1/password-resets", json={"email": who.email}, expect=202)
        await portal.mail(who.email, since, "a mail that was sealed to the newer key")

    return go_on


def _rotated(stack: Stack, service: str) -> Keyring:
    """Rotates every key in a service's file. Returns what stood there before."""
    file = stack.keyrings.private(service)
    before = ring = keys.read(file)
    for use in keys.USES:
        ring = rotation.with_newest_first(rotation.with_another(ring, use), use, datetime.now(UTC))
    ring.write(file)
    return before


async def _columns_under(pool: Pool, ring: Keyring) -> set[str]:
    """Every column of the database, known to somebody or not, in which something is locked with the key in use."""
    columns = await pool.fetch(
        "select table_name, column_name from information_schema.columns"
        " where table_schema = 'public' and data_type in ('text', 'jsonb')"
    )
    found = set()
    for table, column in columns:
        query = f'select exists (select from "{table}" where position($1 in "{column}"::text) > 0)'
        if await pool.fetchval(query, start_of_locked(str(ring.storage[0].kid))):
            found.add(f"{table}.{column}")
    return found


async def _opens(pool: Pool, vault: Vault, columns: Sequence[Locked]) -> None:
    for one in columns:
        query = f"select {one.column} from {one.table} where {one.column} is not null"
        for (content,) in await pool.fetch(query):
            assert vault.unlock(content)
