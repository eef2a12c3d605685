"""The secrets of one stack, in a folder that only its owner reads: services' keys, and a machine client's
secret."""

import hashlib
import json
import secrets
from dataclasses import dataclass
from pathlib import Path

from chassis import keys
from local.ports import SERVICES

MACHINE_ID = "local"
"""client_id of the one other system of the agency that may ask for access decisions here."""


@dataclass(frozen=True)
class Keyrings:
    """Made on the first start of a stack and kept with its data: what was sealed must open again."""

    folder: Path

    def make(self) -> None:
        """Makes what is missing. `public` always lists the keys of all services."""
        self.folder.mkdir(mode=0o700, exist_ok=True)
        for service in SERVICES:
            if not self.private(service).exists():
                keys.generate(service).write(self.private(service))
        keys.write_public([keys.read(self.private(service)) for service in SERVICES], self.public)
        if not self.machine_secret_file.exists():
            self.machine_secret_file.touch(mode=0o600)
            self.machine_secret_file.write_text(secrets.token_urlsafe(32))

    def private(self, service: str) -> Path:
        return self.folder / f"{service}.json"

    @property
    def public(self) -> Path:
        return self.folder / "sealing.json"

    @property
    def machine_secret_file(self) -> Path:
        return self.folder / "machine.secret"

    def machines(self) -> str:
        """The setting MANDAT_MACHINES: accounts is told the digest of the secret, never the secret."""
        digest = hashlib.sha256(self.machine_secret_file.read_bytes()).hexdigest()
        return json.dumps([{"client_id": MACHINE_ID, "secret_digest": digest, "scopes": ["access:evaluate"]}])
