"""What a process is told by its environment. Every variable starts with MANDAT_."""

from collections.abc import Sequence
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal, Self, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, FilePath, SecretStr, ValidationError, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict

from contracts.agency.profile import AgentIssuer

Port = Annotated[int, Field(ge=1, le=65535)]
HttpAddress = Annotated[str, Field(pattern=r"^https?://.+$", max_length=300)]


def _networks(told: str) -> str:
    """Addresses or networks, with commas between them: what is none would be nobody's, and no line would say so.

    Whoever believes all of the world believes each caller about where it is, and no limit by address holds.
    """
    for item in told.split(",") if told else ():
        try:
            network = ip_network(item.strip())
        except ValueError:
            raise ValueError("must be addresses or networks (CIDR, no bits set behind the prefix)") from None
        if network.prefixlen == 0:
            raise ValueError("must not be the whole world: whoever calls would say itself where it is")
    return told


Networks = Annotated[str, AfterValidator(_networks)]
PREFIX = "MANDAT_"
HERE = ("127.0.0.1", "::1", "localhost")  # hosts towards which nobody else can listen


class DatabaseSettings(BaseSettings):
    """How to reach the service's own database; all that migrating needs.

    TLS is the URL's own business: `?sslmode=verify-full&sslrootcert=FILE`. `database_password_file` takes the place of
    a password in the URL and is read at each new connection, so that a rotated one needs no restart.
    `database_direct_url` is for what cannot go through a transaction pooler (docs/operations/databases.md); without it,
    everything goes to `database_url`.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, hide_input_in_errors=True)

    database_url: SecretStr
    database_direct_url: SecretStr | None = None
    database_password_file: FilePath | None = None

    @model_validator(mode="after")
    def _one_password(self) -> Self:
        urls = {"MANDAT_DATABASE_URL": self.database_url, "MANDAT_DATABASE_DIRECT_URL": self.database_direct_url}
        for name, url in urls.items():
            if self.database_password_file and url and urlsplit(url.get_secret_value()).password:
                raise ValueError(
                    f"{name} holds a password, and MANDAT_DATABASE_PASSWORD_FILE another: keep one of them"
                )
        return self


class KafkaSettings(BaseSettings):
    """How to reach the brokers, and who we are to them; all that making topics needs.

    `kafka_tls` is "none" by default, for a broker beside us that nobody else can listen to; "tls" verifies the brokers'
    names and certificates, against `kafka_ca_file` where the authority is a private one. Certificate and key are how we
    sign in by TLS itself. A password or a token is only ever sent over TLS. Every file is read again when a connection
    is made, so that what rotates needs no restart (docs/operations/kafka.md).
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, hide_input_in_errors=True)

    kafka_servers: str = ""
    topic_prefix: str = ""
    kafka_tls: Literal["none", "tls"] = "none"
    kafka_ca_file: FilePath | None = None
    kafka_certificate_file: FilePath | None = None
    kafka_key_file: FilePath | None = None
    kafka_sasl: Literal["none", "scram-sha-512", "plain", "oauthbearer"] = "none"
    kafka_username: str | None = None
    kafka_password_file: FilePath | None = None
    kafka_token_url: str | None = None
    kafka_client_id: str | None = None
    kafka_client_secret_file: FilePath | None = None
    kafka_token_scope: str | None = None

    @model_validator(mode="after")
    def _files_of_tls(self) -> Self:
        if self.kafka_tls == "none":
            for name in ("kafka_ca_file", "kafka_certificate_file", "kafka_key_file"):
                self._refuse(name, "needs MANDAT_KAFKA_TLS to be tls")
        if (self.kafka_certificate_file is None) != (self.kafka_key_file is None):
            raise ValueError("MANDAT_KAFKA_CERTIFICATE_FILE and MANDAT_KAFKA_KEY_FILE go together")
        return self

    @model_validator(mode="after")
    def _one_way_to_sign_in(self) -> Self:
        password = ("kafka_username", "kafka_password_file")
        token = ("kafka_token_url", "kafka_client_id", "kafka_client_secret_file")
        for mechanisms, names, optional in (
            (("scram-sha-512", "plain"), password, ()),
            (("oauthbearer",), token, ("kafka_token_scope",)),
        ):
            if self.kafka_sasl not in mechanisms:
                for name in (*names, *optional):
                    self._refuse(name, f"needs MANDAT_KAFKA_SASL to be {' or '.join(mechanisms)}")
            for name in names:
                if self.kafka_sasl in mechanisms and not getattr(self, name):
                    raise ValueError(f"MANDAT_KAFKA_SASL is {self.kafka_sasl}, and {_variable(name)} is not set")
        if self.kafka_sasl != "none" and self.kafka_tls == "none":
            raise ValueError(f"MANDAT_KAFKA_SASL: {self.kafka_sasl} needs MANDAT_KAFKA_TLS to be tls")
        return self

    @model_validator(mode="after")
    def _secret_over_tls(self) -> Self:
        if self.kafka_token_url is not None:
            url = urlsplit(self.kafka_token_url)
            if not url.hostname or (url.scheme != "https" and not (url.scheme == "http" and url.hostname in HERE)):
                raise ValueError("MANDAT_KAFKA_TOKEN_URL must be an https address: the client's secret is sent there")
        return self

    def _refuse(self, name: str, why: str) -> None:
        if getattr(self, name) is not None:
            raise ValueError(f"{_variable(name)} {why}")


class DemoIssuer(AgentIssuer):
    """One that signs for whoever asks, beside us in containers or pods: unlike the agency's, also by plain HTTP."""

    issuer: HttpAddress
    jwks_uri: HttpAddress


class Settings(DatabaseSettings, KafkaSettings):
    """The settings that all services share; a service with a setting of its own extends this class.

    `version` is the release that an image says it holds. `issuer_keys` is where accounts' keys are fetched, if not
    under `issuer_base`: a pod needs no way out to the public host for them. `trusted_proxies` are the addresses or
    networks whose word counts for where a caller is (X-Forwarded-For). `demo_agent_issuers` are trusted besides
    those of the agency's data: for the local stack's demo issuer only. `traces` is where spans go (chassis/tracing.py),
    nowhere by default; `traces_share` of the traces are kept.
    """

    agency: Path
    database_connections: Annotated[int, Field(ge=2, le=64)] = 10
    gateway_host: str = "127.0.0.1"
    gateway_port: Port
    operations_host: str = "127.0.0.1"
    operations_port: Port
    trusted_proxies: Networks = ""
    keyring: Path
    sealing_keys: Path
    issuer_base: str
    version: str = "unreleased"
    issuer_keys: Annotated[str, Field(pattern=r"^$|^https?://.+$")] = ""
    demo_agent_issuers: tuple[DemoIssuer, ...] = ()
    log_level: str = "INFO"
    traces: Annotated[str, Field(pattern=r"^$|^file:.+$|^https?://.+$")] = ""
    traces_share: Annotated[float, Field(ge=0, le=1)] = 1.0


S = TypeVar("S", bound=BaseSettings)


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
        raise FaultySettings([_fault(fault) for fault in error.errors(include_input=False)]) from None


def read_secret(file: Path) -> str:
    """What a file of a secret holds, without the end of the line. Raises OSError, also when it holds nothing."""
    try:
        secret = file.read_text(encoding="utf-8").rstrip("\r\n")
    except UnicodeDecodeError:
        raise OSError(f"{file} is not a text") from None
    if not secret:
        raise OSError(f"{file} is empty")
    return secret


def _variable(name: object) -> str:
    return f"{PREFIX}{name}".upper()


def _fault(fault: ErrorDetails) -> str:
    if not fault["loc"]:
        return fault["msg"].removeprefix("Value error, ")  # of a rule about several settings, which names them itself
    name, *inside = fault["loc"]
    variable = _variable(name)
    if inside:
        return f"{variable}, at {'.'.join(map(str, inside))}: {fault['msg']}"
    return f"{variable} is not set" if fault["type"] == "missing" else f"{variable}: {fault['msg']}"
