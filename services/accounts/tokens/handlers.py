"""Publishing the keys and changing them, and tokens for other systems."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chassis.work import Work
from services.accounts.tokens import rotating, signing, storage
from services.accounts.tokens.rotating import Standing
from services.accounts.tools import Tools


class KeyStays(ValueError):
    """Why the keys stay as they are, for an operator."""


@dataclass(frozen=True)
class IssueMachineToken:
    """The system has proved who it is and may have these scopes."""

    client_id: str
    scopes: tuple[str, ...]


async def published_keys(work: Work[Tools], _: None) -> list[dict[str, Any]]:
    """The public JWKs of every key whose signatures still count."""
    return [key.public_jwk for key in await storage.every(work.connection)]


async def issue_machine_token(work: Work[Tools], command: IssueMachineToken) -> str:
    """Sign a token for another system."""
    key = await storage.signing(work.connection, work.now)
    return work.tools.signer.for_machine(key, command.client_id, command.scopes, work.now, work.new_id())


@dataclass(frozen=True)
class RetireKey:
    """Publish a key no more; `known_by_others`, a key that somebody has got hold of, goes before its time."""

    kid: str
    known_by_others: bool = False


async def list_keys(work: Work[Tools], _: None) -> Sequence[Standing]:
    """All keys, the one that signs last first."""
    return await storage.standings(work.connection)


async def add_key(work: Work[Tools], at_once: bool) -> Standing:
    """Publish a key that will sign, or signs at once. Raises KeyStays while another one waits to."""
    keys = await storage.standings(work.connection)
    if waiting := rotating.waiting(keys, work.now):
        raise KeyStays(f"key {waiting.kid} is published, and signs from {_shown(waiting.signs_from)}")
    key = signing.generate(work.tools.keyring)
    added = Standing(key.kid, work.now if at_once else work.now + rotating.PUBLISHED_BEFORE)
    await storage.insert(work.connection, key, work.now, added.signs_from)
    work.audit("signing_key_added", kid=added.kid, signs_from=added.signs_from.isoformat())
    return added


async def retire_key(work: Work[Tools], command: RetireKey) -> None:
    """Publish a key no more. Raises KeyStays while it signs, or what it signed still counts."""
    keys = await storage.standings(work.connection)
    signs, until = rotating.signing(keys, work.now), _needed_until(keys, command.kid)
    if until is None or (signs is not None and signs.kid == command.kid):
        raise KeyStays(f"key {command.kid} signs, or will: add another, and wait until that one signs")
    if work.now < until and not command.known_by_others:
        raise KeyStays(f"what key {command.kid} has signed counts until {_shown(until)}")
    await storage.remove(work.connection, command.kid)
    work.audit("signing_key_retired", kid=command.kid, known_by_others=command.known_by_others)


def _needed_until(keys: Sequence[Standing], kid: str) -> datetime | None:
    try:
        return rotating.needed_until(keys, kid)
    except LookupError:
        raise KeyStays(f"there is no key {kid}") from None


def _shown(instant: datetime) -> str:
    return instant.isoformat(timespec="seconds")
