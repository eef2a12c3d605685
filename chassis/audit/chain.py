"""How the entries of one chain become digests.

An entry's digest is SHA-256 of one JSON object: the entry, its number in the chain, and as `previous` the digest of the
entry before it in hexadecimal (empty for the first). The JSON is canonical as RFC 8785 wants it: UTF-8, members sorted,
no space; an audit holds text, whole numbers, booleans and null, for which Python's own writer does exactly that. So a
digest can be checked by anybody, with two commands and without this code.

The digest has no key. Whoever may write the database could compute a chain anew, keyed or not, through the service;
what finds that is a head that was published before (contracts/audit.py), and that needs no secret.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from contracts.audit import NO_ORGANIZATION

BEGINNING = b""
"""What stands for the digest before the first entry of a chain."""


@dataclass(frozen=True)
class Entry:
    """One row of the table audit: who did what, for whom, why it was allowed, and under which version of the data."""

    id: int
    at: datetime
    organization_id: UUID | None
    actor_kind: str
    actor_id: str
    profile_id: UUID | None
    action: str
    object_id: UUID | None
    detail: Mapping[str, Any]
    data_version: str
    rule: str | None

    @property
    def chain_id(self) -> UUID:
        """The chain it belongs to."""
        return self.organization_id or NO_ORGANIZATION


@dataclass(frozen=True)
class Head:
    """How far a chain has come: the number of its last entry, and the digest up to it."""

    sequence: int = 0
    digest: bytes = BEGINNING


PRUNED = "entries_pruned"
"""The action of an entry that says up to which entry its chain was deleted for their age."""


def checkpoint_of(last: Head) -> dict[str, Any]:
    """What such an entry says of the last entry that is gone."""
    return {"up_to": last.sequence, "digest": last.digest.hex()}


COLUMNS = tuple(field.name for field in fields(Entry))
"""Of the table audit, in the order of the fields."""


def canonical(entry: Entry, sequence: int, previous: bytes) -> bytes:
    """The JSON of which the digest is taken. Times are UTC with six decimals."""
    content = {
        name: str(value) if isinstance(value, UUID) else value for name, value in vars(entry).items() if name != "at"
    }
    content |= {
        "at": entry.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "sequence": sequence,
        "previous": previous.hex(),
    }
    return json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def digest(entry: Entry, sequence: int, previous: bytes) -> bytes:
    """The digest of a chain up to and with this entry: 32 bytes."""
    return hashlib.sha256(canonical(entry, sequence, previous)).digest()
