"""A directory that the agency runs: it knows the old passwords, and is asked over HTTP whether one is right.

The contract. We send `POST {url}`, `Authorization: Bearer {secret}`, and as JSON {"user_name", "password"} as typed. It
answers 200 with {"proven": false}, or with {"proven": true, "files": [{"client_number", "organization": {"kind",
"number"}}]}, where a file without `organization` is the client's in whichever organization has one. It takes as long
for unknown user names as for known ones, and logs no password. Whatever else it answers, and when it does not, nobody
was proven right or wrong: the caller hears `unavailable`, and nothing is counted.
"""

import asyncio
import ssl

import httpx
import structlog
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from contracts.agency.links import WebAddress
from contracts.imports import ClientNumber, OrganizationKey
from services.linking.former_credentials.domain import File

log = structlog.get_logger()

MOST_FILES = 1000
LONGEST_ANSWER = 512 * 1024  # bytes: room for so many files
RETRY_AFTER = 30  # seconds that a caller is asked to wait while the directory is away


class DirectorySettings(BaseModel):
    """Where a method's directory is, and how long it may take; `at_once` bounds the questions open at one time."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: WebAddress
    secret: SecretStr = Field(min_length=16)
    timeout_seconds: float = Field(default=5, ge=0.1, le=30)
    at_once: int = Field(default=8, ge=1, le=64)


class DirectoryUnavailable(Exception):
    """The directory gave no answer that says anything about the password. Time must act."""


class _File(BaseModel):
    client_number: ClientNumber
    organization: OrganizationKey | None = None


class _Answer(BaseModel):
    proven: bool = Field(strict=True)
    files: tuple[_File, ...] = Field(default=(), max_length=MOST_FILES)


class Directory:
    """One method's directory."""

    def __init__(self, settings: DirectorySettings) -> None:
        """Reads the system's certificates, once."""
        self._settings = settings
        self._trusted = ssl.create_default_context()
        self._turns = asyncio.BoundedSemaphore(settings.at_once)

    async def ask(self, user_name: str, password: str) -> tuple[File, ...] | None:
        """What the credential stands for; None when it is wrong. Raises DirectoryUnavailable."""
        try:
            async with asyncio.timeout(self._settings.timeout_seconds), self._turns:
                answer = _Answer.model_validate_json(await self._post(user_name, password))
        except (httpx.HTTPError, TimeoutError, ssl.SSLError) as error:
            log.warning("directory gave no answer", fault=type(error).__name__)
            raise DirectoryUnavailable from None
        except ValidationError:
            log.warning("directory answered what its contract does not know")
            raise DirectoryUnavailable from None
        if not answer.proven:
            return None
        return tuple(
            File(
                found.client_number,
                found.organization.kind if found.organization else None,
                found.organization.number if found.organization else None,
            )
            for found in answer.files
        )

    async def _post(self, user_name: str, password: str) -> bytes:
        """The body of a 200. Raises httpx.HTTPError, DirectoryUnavailable."""
        headers = {"Authorization": f"Bearer {self._settings.secret.get_secret_value()}"}
        sent = {"user_name": user_name, "password": password}
        # No redirect is followed, which would carry a password elsewhere; nor are the environment's proxies asked.
        async with (
            httpx.AsyncClient(verify=self._trusted, trust_env=False, timeout=self._settings.timeout_seconds) as client,
            client.stream("POST", self._settings.url, json=sent, headers=headers) as response,
        ):
            if response.status_code != httpx.codes.OK:
                log.warning("directory refused the question", status=response.status_code)
                raise DirectoryUnavailable
            content = b""
            async for piece in response.aiter_bytes():
                content += piece
                if len(content) > LONGEST_ANSWER:
                    log.warning("directory answered too much")
                    raise DirectoryUnavailable
            return content
