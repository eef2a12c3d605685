"""Former credentials as tests make and import them; no password here was ever anybody's."""

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

from contracts.agency.linking import FormerCredential
from contracts.authorizations import Contact, Organization
from services.linking.former_credentials.importing import Outcome, Rehearsal, import_file
from services.linking.tests.world import Linking

PASSWORD = "vieux mot de passe"


def hashed(password: str = PASSWORD, salt: bytes = b"saltsalt") -> str:
    """As a directory of 2010 kept it."""
    return "{SSHA512}" + base64.b64encode(hashlib.sha512(password.encode() + salt).digest() + salt).decode()


def file_of(contact: Contact, organization: Organization) -> dict[str, Any]:
    """A file as the extract names it."""
    key = {"kind": organization.kind, "number": organization.number}
    return {"client_number": contact.client_number, "organization": key}


def credential(user_name: str, *files: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A line of the extract."""
    return {"user_name": user_name, "hash": hashed(), "files": files} | changes


def method_of(linking: Linking) -> FormerCredential:
    """The agency's method of former credentials."""
    method = linking.unit.tools.agency.linking_methods["former_credential"]
    assert isinstance(method, FormerCredential)
    return method


async def bring_in(
    linking: Linking, folder: Path, *lines: dict[str, Any], rehearsal: Rehearsal | None = None
) -> dict[Outcome, int]:
    """Import lines, or rehearse it; what became of how many."""
    file = folder / "credentials.ndjson"
    file.write_text("\n".join(json.dumps(line) for line in lines), encoding="utf-8")
    return dict(await import_file(linking.unit, method_of(linking), file, rehearsal))
