"""What notifications is told by its environment besides what all services are."""

from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Self

from pydantic import BeforeValidator, Field, FilePath, SecretStr, model_validator
from pydantic_settings import NoDecode

from chassis.fields import Email
from chassis.settings import Port, Settings
from services.notifications.bounces.return_path import LONGEST_BASE, SEPARATOR


class HostAddress(NamedTuple):
    """Where a mail host listens."""

    name: Annotated[str, Field(min_length=1, max_length=253)]
    port: Port

    def __str__(self) -> str:
        return f"[{self.name}]:{self.port}" if ":" in self.name else f"{self.name}:{self.port}"


def _addresses(value: Any) -> Any:
    """« a.example:25,[2001:db8::1]:25 » as pairs; anything else is left to the model."""
    if not isinstance(value, str):
        return value
    pairs = (written.strip().rpartition(":") for written in value.split(","))
    return [(name.removeprefix("[").removesuffix("]"), port) for name, _, port in pairs]


class NotificationsSettings(Settings):
    """The mail hosts that take our mails and bring them to their addressees.

    `smtp_hosts` stand in order of preference, "host:port,host:port": the first that works takes all. `smtp_tls` is
    "none" by default, because a host is meant to be a relay beside us (the local inbox, a sidecar, the cluster's own
    relay) that nobody else can listen to; towards any other host set "starttls" or "tls", which verify its name and
    certificate, against `smtp_ca_file` where the authority is a private one. A password is only ever sent over TLS;
    `smtp_password_file` is read at each connection, so that a rotated one needs no restart.
    `smtp_connections` stay open, and each carries one mail at a time; one of eight, at least one, is kept for urgent
    mails. `smtp_domain_connections` and `smtp_domain_rate`, mails a minute, limit what goes to one domain of addresses
    from one process; none by default, because a relay keeps limits of its own.

    `bounce_address` is where reports come back to; each mail's envelope sender adds a token to it. Without it reports
    go to the agency's own address. `bounce_port` opens the server, in the worker, to which the mail host brings them by
    LMTP or SMTP; 0 opens none. `bounce_feedback_loops` says that loops are registered with the address without a token,
    which is refused otherwise: anybody can write there.
    """

    smtp_hosts: Annotated[tuple[HostAddress, ...], NoDecode, BeforeValidator(_addresses), Field(min_length=1)]
    smtp_connections: Annotated[int, Field(ge=1, le=64)] = 4
    smtp_tls: Literal["none", "starttls", "tls"] = "none"
    smtp_ca_file: Path | None = None
    smtp_username: str | None = None
    smtp_password: SecretStr | None = None
    smtp_password_file: FilePath | None = None
    smtp_domain_connections: Annotated[int, Field(ge=1)] | None = None
    smtp_domain_rate: Annotated[int, Field(ge=1)] | None = None
    bounce_address: Email | None = None
    bounce_host: str = "127.0.0.1"
    bounce_port: Annotated[int, Field(ge=0, le=65535)] = 0
    bounce_feedback_loops: bool = False

    @model_validator(mode="after")
    def _password_over_tls(self) -> Self:
        if self.smtp_password is not None and self.smtp_password_file is not None:
            raise ValueError("MANDAT_SMTP_PASSWORD and MANDAT_SMTP_PASSWORD_FILE: keep one of them")
        has_password = self.smtp_password is not None or self.smtp_password_file is not None
        if (self.smtp_username is not None) != has_password:
            raise ValueError("MANDAT_SMTP_USERNAME and MANDAT_SMTP_PASSWORD, or its file, go together")
        if has_password and self.smtp_tls == "none":
            raise ValueError("MANDAT_SMTP_PASSWORD, or its file, needs MANDAT_SMTP_TLS to be starttls or tls")
        if self.smtp_ca_file is not None and self.smtp_tls == "none":
            raise ValueError("MANDAT_SMTP_CA_FILE needs MANDAT_SMTP_TLS to be starttls or tls")
        return self

    @model_validator(mode="after")
    def _reports_find_their_mail(self) -> Self:
        if self.bounce_port and self.bounce_address is None:
            raise ValueError("MANDAT_BOUNCE_PORT needs MANDAT_BOUNCE_ADDRESS")
        local = (self.bounce_address or "").rpartition("@")[0]
        if len(local) > LONGEST_BASE or SEPARATOR in local:
            raise ValueError(f"MANDAT_BOUNCE_ADDRESS: at most {LONGEST_BASE} characters before the @, none of them +")
        return self
