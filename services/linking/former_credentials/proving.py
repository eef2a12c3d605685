"""Whether a password is that of a former credential: costly, so off the event loop and with no transaction open."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

from argon2.low_level import Type, hash_secret_raw

from chassis.keys import Keyring
from chassis.turns import Turns
from contracts.agency.linking import FormerCredential
from services.linking.former_credentials import schemes
from services.linking.former_credentials.directory import Directory
from services.linking.former_credentials.domain import Candidate, Confirmed, Imported, Kept, Proof, as_bytes
from services.linking.former_credentials.schemes import ImportedHash, Setting

PURPOSE = "former_credential"
"""What the keyed digest at rest is good for."""

# OWASP Password Storage Cheat Sheet: the least for Argon2id is m = 19 MiB, t = 2, p = 1. A row keeps what it was made
# with, so that a later choice leaves older rows readable.
MEMORY = 19_456  # KiB
PASSES = 2
LANES = 1

SALT_BYTES = 16
DIGEST_BYTES = 32


@dataclass(frozen=True)
class Prover:
    """`nobodys` is compared with while no credential at all is known, so that this too costs the work of one."""

    keyring: Keyring = field(repr=False)
    turns: Turns
    directories: Mapping[str, Directory]
    nobodys: Kept = field(repr=False)

    @classmethod
    def of(cls, keyring: Keyring, directories: Mapping[str, Directory]) -> "Prover":
        """For one process. Takes as long as one hash."""
        turns = Turns("former credentials")
        random = ImportedHash(Setting("salted", "sha512", secrets.token_bytes(8), 1, 64), secrets.token_bytes(64))
        return cls(keyring, turns, directories, _kept(keyring, random))

    async def keep(self, imported: ImportedHash) -> Kept:
        """What rests here of an imported hash. Raises TimeoutError when too many others wait."""
        return await self.turns.take(lambda: _kept(self.keyring, imported))

    async def prove(
        self, method: FormerCredential, candidate: Candidate, user_name: str, password: str
    ) -> Proof | None:
        """A proof that the password is right, or None. Always the work of one comparison.

        Raises TimeoutError when too many others wait, and DirectoryUnavailable.
        """
        if method.source == "directory":
            files = await self.directories[method.code].ask(user_name, password)
            return None if files is None else Confirmed(files)
        is_right = await self.turns.take(lambda: self._is_right(candidate.kept, as_bytes(password, method)))
        if not is_right or candidate.credential_id is None:
            return None
        return Imported(candidate.credential_id)

    def _is_right(self, kept: Kept, password: bytes) -> bool:
        presented = schemes.digest(kept.setting, password)
        stretched = _stretched(presented, kept.stretch_salt, kept.stretch_memory, kept.stretch_passes)
        return self.keyring.matches(PURPOSE, stretched.hex(), kept.digest)


def _kept(keyring: Keyring, imported: ImportedHash) -> Kept:
    salt = secrets.token_bytes(SALT_BYTES)
    stretched = _stretched(imported.digest, salt, MEMORY, PASSES)
    return Kept(imported.setting, salt, MEMORY, PASSES, keyring.digest(PURPOSE, stretched.hex()))


def _stretched(digest: bytes, salt: bytes, memory: int, passes: int) -> bytes:
    return hash_secret_raw(digest, salt, passes, memory, LANES, DIGEST_BYTES, Type.ID)
