"""Publishing the keys, and tokens for other systems."""

from dataclasses import dataclass
from typing import Any

from chassis.work import Work
from services.accounts.tokens import storage
from services.accounts.tools import Tools


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
    key = await storage.newest(work.connection)
    return work.tools.signer.for_machine(key, command.client_id, command.scopes, work.now, work.new_id())
