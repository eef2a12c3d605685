"""What notifications is told by its environment besides what all services are."""

from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, model_validator

from chassis.settings import Port, Settings


class NotificationsSettings(Settings):
    """The mail host that takes our mails and brings them to their addressees.

    `smtp_tls` is "none" by default, because the host is meant to be a relay beside us (the local inbox, a sidecar,
    the cluster's own relay) that nobody else can listen to; towards any other host set "starttls" or "tls", which
    verify its certificate. A password is only ever sent over TLS. `smtp_connections` stay open, and each carries one
    mail at a time.
    """

    smtp_host: Annotated[str, Field(min_length=1, max_length=253)]
    smtp_port: Port
    smtp_connections: Annotated[int, Field(ge=1, le=64)] = 4
    smtp_tls: Literal["none", "starttls", "tls"] = "none"
    smtp_username: str | None = None
    smtp_password: SecretStr | None = None

    @model_validator(mode="after")
    def _password_over_tls(self) -> Self:
        if (self.smtp_username is None) != (self.smtp_password is None):
            raise ValueError("MANDAT_SMTP_USERNAME and MANDAT_SMTP_PASSWORD go together")
        if self.smtp_password is not None and self.smtp_tls == "none":
            raise ValueError("MANDAT_SMTP_PASSWORD needs MANDAT_SMTP_TLS to be starttls or tls")
        return self
