"""Every client of Kafka is made here: where the brokers are, how TLS verifies them, and how we sign in.

Passwords, tokens and certificates are read whenever a connection is made, so that what rotates under a running process
is taken up by its next connection; one that stands is not cut by us.
"""

import asyncio
import ssl
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import httpx
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka import conn as connections
from aiokafka.abc import AbstractTokenProvider
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaConnectionError
from faststream.kafka import KafkaBroker
from faststream.kafka.security import parse_security
from faststream.security import BaseSecurity, SASLOAuthBearer, SASLPlaintext, SASLScram512

from chassis.settings import KafkaSettings, read_secret

TOKEN_PATIENCE = 10.0  # seconds for a token endpoint's answer
RENEWED_AT = 0.8  # of a token's life: the rest is for clocks that differ and for a connection that takes its time


@dataclass(frozen=True)
class Clients:
    """Makes the clients of one process; what is asked of them is each caller's own business.

    `servers` alone is a broker beside us, in clear. The clients of one process share one token.
    """

    servers: str
    security: BaseSecurity | None = None
    token: "ClientCredentials | None" = field(default=None, repr=False)

    @classmethod
    def of(cls, settings: KafkaSettings) -> "Clients":
        """What the settings say. Raises ValueError when a file does not hold what it should."""
        tls = _tls(settings) if settings.kafka_tls == "tls" else None
        match settings.kafka_sasl:
            case "scram-sha-512" | "plain":
                assert settings.kafka_username is not None and settings.kafka_password_file is not None
                password = _Password.kept_in(settings.kafka_password_file)
                way: type[SASLScram512 | SASLPlaintext] = (
                    SASLScram512 if settings.kafka_sasl == "scram-sha-512" else SASLPlaintext
                )
                return cls(settings.kafka_servers, way(settings.kafka_username, password, tls))
            case "oauthbearer":
                return cls(settings.kafka_servers, SASLOAuthBearer(tls), ClientCredentials.of(settings))
            case "none":
                return cls(settings.kafka_servers, None if tls is None else BaseSecurity(tls))

    def producer(self, **options: Any) -> AIOKafkaProducer:
        """A producer, not yet started."""
        return AIOKafkaProducer(**self._options(), **options)

    def consumer(self, *topics: str, **options: Any) -> AIOKafkaConsumer:
        """A consumer, not yet started."""
        return AIOKafkaConsumer(*topics, **self._options(), **options)

    def admin(self) -> AIOKafkaAdminClient:
        """An administrator's client, not yet started."""
        return AIOKafkaAdminClient(**self._options())

    def broker(self, **options: Any) -> KafkaBroker:
        """FastStream's own, not yet started."""
        return KafkaBroker(self.servers, security=self.security, sasl_oauth_token_provider=self.token, **options)

    def _options(self) -> dict[str, Any]:
        return {
            "bootstrap_servers": self.servers,
            "sasl_oauth_token_provider": self.token,
            **parse_security(self.security),
        }


class _RenewedTls(ssl.SSLContext):
    """Verifies the other side, and shows our certificate, with what the files hold when a connection is made.

    An authority that has gone from the file is trusted until the process ends; a new one is at once.
    """

    settings: KafkaSettings

    def renew(self) -> None:
        """Read the files. Raises OSError, which ssl.SSLError is too; whoever connects tries again."""
        if self.settings.kafka_ca_file is not None:
            self.load_verify_locations(cafile=self.settings.kafka_ca_file)
        if self.settings.kafka_certificate_file is not None:
            self.load_cert_chain(self.settings.kafka_certificate_file, self.settings.kafka_key_file)

    def wrap_bio(self, *arguments: Any, **options: Any) -> ssl.SSLObject:
        """What asyncio and uvloop call for each connection."""
        self.renew()
        return super().wrap_bio(*arguments, **options)


def _tls(settings: KafkaSettings) -> ssl.SSLContext:
    context = _RenewedTls(ssl.PROTOCOL_TLS_CLIENT)  # names and certificates are verified
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.settings = settings
    if settings.kafka_ca_file is None:
        context.load_default_certs()
    try:
        context.renew()
    except OSError as error:
        raise ValueError(
            f"MANDAT_KAFKA_CA_FILE, or MANDAT_KAFKA_CERTIFICATE_FILE with its key, cannot be read: {error}"
        ) from error
    return context


class _Password(str):
    """Looks into its file whenever it is asked for its bytes, which aiokafka does for each connection."""

    _file: Path

    @classmethod
    def kept_in(cls, file: Path) -> "_Password":
        """Raises ValueError when the file holds no password."""
        password = cls("the password of a file")
        password._file = file
        _read("MANDAT_KAFKA_PASSWORD_FILE", file)
        return password

    def encode(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        """The password of now. Raises OSError; whoever connects tries again."""
        return read_secret(self._file).encode(encoding, errors)


class _PlainSignIn(connections.SaslPlainAuthenticator):  # type: ignore[misc]
    """Asks the password for its bytes, as aiokafka's SCRAM does; its own PLAIN would send what stands for them."""

    def __init__(self, *, loop: Any, sasl_plain_password: str, sasl_plain_username: str) -> None:
        """Raises OSError when the password's file cannot be read; whoever connects tries again."""
        password = sasl_plain_password.encode().decode()
        super().__init__(loop=loop, sasl_plain_password=password, sasl_plain_username=sasl_plain_username)


connections.SaslPlainAuthenticator = _PlainSignIn  # aiokafka makes one for each connection, and takes no other


class ClientCredentials(AbstractTokenProvider):  # type: ignore[misc]
    """Tokens by the client credentials grant (RFC 6749, 4.4), each used for most of its life by every connection."""

    def __init__(self, url: str, client_id: str, secret_file: Path, scope: str | None) -> None:
        """`url` is the token endpoint; the secret is read each time a token is asked for."""
        self._url = url
        self._client_id = client_id
        self._secret_file = secret_file
        self._scope = scope
        self._token = ""
        self._renew_at = 0.0
        self._asking = asyncio.Lock()

    @classmethod
    def of(cls, settings: KafkaSettings) -> "ClientCredentials":
        """What the settings say. Raises ValueError when the secret's file holds none."""
        url, client_id, file = settings.kafka_token_url, settings.kafka_client_id, settings.kafka_client_secret_file
        assert url is not None and client_id is not None and file is not None
        _read("MANDAT_KAFKA_CLIENT_SECRET_FILE", file)
        return cls(url, client_id, file, settings.kafka_token_scope)

    async def token(self) -> str:
        """A token that holds. Raises KafkaConnectionError when none is to be had; whoever connects tries again."""
        async with self._asking:
            if time.monotonic() >= self._renew_at:
                await self._renew()
            return self._token

    async def _renew(self) -> None:
        form = {"grant_type": "client_credentials"} | ({"scope": self._scope} if self._scope else {})
        asked = time.monotonic()
        try:
            names = quote_plus(self._client_id), quote_plus(read_secret(self._secret_file))  # RFC 6749, 2.3.1
            async with httpx.AsyncClient(timeout=TOKEN_PATIENCE) as http:
                answer = await http.post(self._url, data=form, auth=names)
        except (httpx.HTTPError, OSError) as error:
            raise KafkaConnectionError(f"no token from {self._url}: {error!r}") from error
        try:
            found = answer.raise_for_status().json()
            self._token, life = str(found["access_token"]), float(found.get("expires_in", 0))
        except (httpx.HTTPError, ValueError, KeyError, TypeError, AttributeError):
            raise KafkaConnectionError(f"no token from {self._url}: {_refusal(answer)}") from None
        self._renew_at = asked + life * RENEWED_AT


def _refusal(answer: httpx.Response) -> str:
    """Why a token endpoint gave none (RFC 6749, 5.2), as far as it says so; nothing else of what it answered."""
    try:
        why = str(answer.json()["error"])
    except (ValueError, KeyError, TypeError):
        why = "no token in its answer"
    return f"{answer.status_code}, {why}"


def _read(variable: str, file: Path) -> None:
    try:
        read_secret(file)
    except OSError as error:
        raise ValueError(f"{variable} cannot be read: {error}") from error
