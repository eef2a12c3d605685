"""What a signature is, and what of it the audit repeats so that a changed character is found."""

import hashlib
import json
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from contracts.agency.mandates import MandateSide
from contracts.events import Language

Method = Literal["password", "email_code", "paper"]
"""How the person was verified: the password again, a code to the address, or the hand on a paper that an agent saw."""


class Shown(BaseModel):
    """A statement as it was shown to whoever ticked it."""

    model_config = ConfigDict(frozen=True)

    code: str
    version: int
    text: str


class Contents(BaseModel):
    """What is sealed with the person's own key. `digest` is the text's, SHA-256 in hexadecimal, as a proof names it.

    `email` is the address that the person proved, where the code to it is what verified them; `verified_at` when that
    was, or the password given.
    """

    model_config = ConfigDict(frozen=True)

    text: str = Field(repr=False)
    digest: str = Field(repr=False)
    attestations: tuple[Shown, ...]
    name: str = Field(repr=False)
    email: str | None = Field(repr=False)
    network_address: str | None = Field(repr=False)
    verified_at: datetime


@dataclass(frozen=True)
class Signature:
    """A signature as its row keeps it. `sealed` is a compact JWE of its Contents; `key_id` names the key.

    `text_version` is the version of the request's text that was signed: a newer one voids it.
    """

    signature_id: UUID
    request_id: UUID
    text_version: int
    side: MandateSide
    key_id: UUID
    account_id: UUID | None
    contact_id: UUID | None
    method: Method
    language: Language
    signed_at: datetime
    sealed: str
    voided_at: datetime | None = None

    @property
    def digest(self) -> str:
        """What the audit says of it: SHA-256 of the row as canonical JSON (as chassis/audit/chain.py makes it).

        All but when it was voided, of which the audit tells by itself. The sealed contents count as they are sealed: of
        a row whose key is gone nothing can be guessed by it.
        """
        content = {field.name: _plain(getattr(self, field.name)) for field in fields(self) if field.name != "voided_at"}
        written = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(written.encode()).hexdigest()


def text_digest(text: str) -> str:
    """What a proof names of a text: SHA-256 in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    return str(value) if isinstance(value, UUID) else value
