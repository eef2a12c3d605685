"""A service's private keys: to open what is sealed to it, to digest secrets, to encrypt what only it may read again."""

import hmac
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from joserfc.jwk import ECKey, JWKRegistry, KeySet, OctKey, OKPKey

SealingKey = OKPKey | ECKey
"""X25519; P-256 in keyrings that are older, as long as they stay."""


def _digest_of(key: OctKey, purpose: str, value: str) -> bytes:
    return hmac.digest(key.raw_value, f"{purpose}\0{value}".encode(), "sha256")


@dataclass(frozen=True)
class Keyring:
    """The newest key of each use stands first; older ones stay as long as something made with them may come back."""

    service: str
    sealing: tuple[SealingKey, ...]
    digests: tuple[OctKey, ...]
    storage: tuple[OctKey, ...]

    def digest(self, purpose: str, value: str) -> str:
        """What rests in a database instead of a secret: `kid:hex`, keyed, and good for one purpose only."""
        key = self.digests[0]
        return f"{key.kid}:{_digest_of(key, purpose, value).hex()}"

    def matches(self, purpose: str, value: str, kept: str) -> bool:
        """Whether the kept digest is this value's, in constant time, under whichever key made it."""
        kid, _, digest = kept.partition(":")
        found = [key for key in self.digests if key.kid == kid]
        return bool(found) and hmac.compare_digest(_digest_of(found[0], purpose, value).hex(), digest)

    def lookup(self, purpose: str, value: str) -> bytes:
        """A keyed digest to find a row by; it changes when the key does, so only for what lives shortly."""
        return _digest_of(self.digests[0], purpose, value)

    def lookups(self, purpose: str, value: str) -> tuple[bytes, ...]:
        """The same under every key that is kept, the newest first: to find what was written under an older one."""
        return tuple(_digest_of(key, purpose, value) for key in self.digests)

    def write(self, path: Path) -> None:
        """Write the private keys, readable by the owner alone."""
        content = {
            "service": self.service,
            "sealing": [key.as_dict(private=True) for key in self.sealing],
            "digests": [key.as_dict(private=True) for key in self.digests],
            "storage": [key.as_dict(private=True) for key in self.storage],
        }
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.fchmod(descriptor, 0o600)  # it may have stood there before, open to others
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(content, file)


def generate(service: str) -> Keyring:
    """A fresh keyring; each key's kid says whose it is and which of its kind."""
    return Keyring(
        service,
        sealing=(OKPKey.generate_key("X25519", {"kid": f"{service}.1", "use": "enc"}),),
        digests=(OctKey.generate_key(256, {"kid": "1"}),),
        storage=(OctKey.generate_key(256, {"kid": "1"}),),
    )


def read(path: Path) -> Keyring:
    """The keyring of a file. Raises OSError or ValueError."""
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return Keyring(
        content["service"],
        sealing=tuple(_sealing_key(key) for key in content["sealing"]),
        digests=tuple(OctKey.import_key(key) for key in content["digests"]),
        storage=tuple(OctKey.import_key(key) for key in content["storage"]),
    )


def _sealing_key(content: dict[str, Any]) -> SealingKey:
    key = JWKRegistry.import_key(content)
    if not isinstance(key, SealingKey):
        raise ValueError("a sealing key is an OKP or an EC key")
    return key


def write_public(keyrings: Iterable[Keyring], path: Path) -> None:
    """Write the public sealing keys of all services as one JWKS."""
    keys = [key.as_dict(private=False) for keyring in keyrings for key in keyring.sealing]
    path.write_text(json.dumps({"keys": keys}), encoding="utf-8")


def read_public(path: Path) -> KeySet:
    """The public sealing keys of all services."""
    return KeySet.import_key_set(json.loads(path.read_text(encoding="utf-8")))
