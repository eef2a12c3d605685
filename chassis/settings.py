"""What a process is told by its environment. Every variable starts with MANDAT_."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import Field, SecretStr, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict

from contracts.agency.profile import AgentIssuer

Port = Annotated[int, Field(ge=1, le=65535)]


class Settings(BaseSettings):
    """The settings that all services share; a service with a setting of its own extends this class.

    `demo_agent_issuers` are trusted besides those of the agency's data: for the local stack's demo issuer only.
    `traces` is where spans go (chassis/tracing.py), nowhere by default; `traces_share` of the traces are kept.
    """

    model_config = SettingsConfigDict(env_prefix="MANDAT_", frozen=True, hide_input_in_errors=True)

    agency: Path
    database_url: SecretStr
    database_connections: Annotated[int, Field(ge=2, le=64)] = 10
    kafka_servers: str = ""
    topic_prefix: str = ""
    gateway_host: str = "127.0.0.1"
    gateway_port: Port
    operations_host: str = "127.0.0.1"
    operations_port: Port
    trusted_proxies: str = ""
    keyring: Path
    sealing_keys: Path
    issuer_base: str
    demo_agent_issuers: tuple[AgentIssuer, ...] = ()
    log_level: str = "INFO"
    traces: Annotated[str, Field(pattern=r"^$|^file:.+$|^https?://.+$")] = ""
    traces_share: Annotated[float, Field(ge=0, le=1)] = 1.0


S = TypeVar("S", bound=Settings)


class FaultySettings(ValueError):
    """What is wrong with the environment: a line for each variable, none of which shows what the variable holds."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


def read(kind: type[S]) -> S:
    """The settings as the environment has them. Raises FaultySettings."""
    try:
        return kind()
    except ValidationError as error:
        prefix = kind.model_config["env_prefix"]
        raise FaultySettings([_fault(prefix, fault) for fault in error.errors(include_input=False)]) from None


def _fault(prefix: str, fault: ErrorDetails) -> str:
    if not fault["loc"]:
        return fault["msg"]  # of a rule about several settings, which names them itself
    name, *inside = fault["loc"]
    variable = f"{prefix}{name}".upper()
    if inside:
        return f"{variable}, at {'.'.join(map(str, inside))}: {fault['msg']}"
    return f"{variable} is not set" if fault["type"] == "missing" else f"{variable}: {fault['msg']}"
