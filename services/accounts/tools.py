"""What the handlers of this service work with."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, TypeAlias

from fastapi import Depends, Request

from chassis.gateway import Call
from chassis.keys import Keyring
from chassis.sealing import Sealer
from contracts.agency import Agency
from services.accounts.doors.issuers import Issuers
from services.accounts.hashing import Hasher
from services.accounts.settings import MachineClient
from services.accounts.signals.places import Places
from services.accounts.tokens.signing import Signer


@dataclass(frozen=True)
class Tools:
    """`machines` are the other systems that may ask for a token; `issuers` verify doors' ID tokens."""

    agency: Agency
    keyring: Keyring
    sealer: Sealer
    hasher: Hasher
    signer: Signer
    machines: Sequence[MachineClient]
    issuers: Issuers
    places: Places


@dataclass(frozen=True)
class Client:
    """From where somebody signs in: the network address, and what the browser calls itself."""

    host: str = field(repr=False)
    device: str = field(repr=False)


AccountsCall: TypeAlias = Annotated[Call[Tools], Depends(Call)]
"""One request on its way through this service."""


def host_of(request: Request) -> str:
    """The caller's network address, as far as trusted proxies tell it."""
    return request.client.host if request.client else ""


LONGEST_DEVICE = 512
"""Characters of what a browser calls itself; those that count come first."""


def client_of(request: Request) -> Client:
    """The caller's network address and browser, as far as trusted proxies tell the one and the browser the other."""
    return Client(host_of(request), request.headers.get("user-agent", "")[:LONGEST_DEVICE])
