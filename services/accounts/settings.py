"""What accounts is told by its environment besides what all services are."""

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from chassis.settings import Settings


class MachineClient(BaseModel):
    """Another system of the agency: `secret_digest` is the SHA-256, in hex, of a random secret of 32 bytes or more."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    client_id: str
    secret_digest: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    scopes: tuple[str, ...]


class AccountsSettings(Settings):
    """`machines`: the other systems of the agency that may ask for tokens (MANDAT_MACHINES, a JSON list). A
    client_id that stands twice has two secrets: one that takes the other's place.

    `places`: a CSV file that says where networks are (MANDAT_PLACES); without it nobody travels.
    """

    machines: tuple[MachineClient, ...] = ()
    places: Path | None = None
