"""What `keys relock` and `keys retire` do in a service's database."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from chassis import settings as environment
from chassis.commands.answers import NOT_WELL, WELL
from chassis.keys import AnyKey, Use
from chassis.made import made_with, relock
from chassis.sealing import Vault
from chassis.service import Service, platform
from chassis.work import Actor, Work


@dataclass(frozen=True)
class Retire:
    """Remove a key of the keyring, as somebody asks."""

    use: Use
    key: AnyKey
    by: str


async def reasons_to_keep(service: Service[Any], asked: Retire) -> list[str]:
    """Why the key must stay, a sentence each. Where there is none, the audit notes that it went."""
    async with platform(service, environment.read(service.settings)) as (built, unit):
        reasons = await made_with(built.pool, service.made, asked.use, asked.key, datetime.now(UTC))
        if not reasons:
            told = ("key.retired", {"use": asked.use, "kid": str(asked.key.kid)})
            await unit.run(_note, told, Actor("operator", asked.by))
        return reasons


async def relock_all(service: Service[Any], by: str) -> int:
    """Encrypt everything anew with the storage key in use. Returns the exit status."""
    counts, status = {}, WELL
    async with platform(service, environment.read(service.settings)) as (built, unit):
        vault = Vault(built.keyring)
        async for one in relock(built.pool, vault, service.made.locked):
            words = f"; {one.unreadable} CANNOT BE UNLOCKED: their key is gone" if one.unreadable else ""
            print(f"{one.column}: {one.done} locked anew with key {vault.kid}{words}", flush=True)
            counts[one.column] = one.done
            status = NOT_WELL if one.unreadable else status
        await unit.run(_note, ("keys.relocked", {"kid": vault.kid, "rows": counts}), Actor("operator", by))
    if not counts:
        print(f"{service.name} keeps nothing under its storage keys")
    return status


async def _note(work: Work[Any], told: tuple[str, dict[str, Any]]) -> None:
    action, detail = told
    work.audit(action, **detail)
