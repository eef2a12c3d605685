"""A service's private keys: to open what is sealed to it, to digest secrets, to encrypt what only it may read again."""

import hmac
import json
import os
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, JWKRegistry, KeySet, OctKey, OKPKey

SealingKey = OKPKey | ECKey
"""X25519; P-256 in keyrings that are older, as long as they stay."""

AnyKey: TypeAlias = SealingKey | OctKey

Use: TypeAlias = Literal["sealing", "digests", "storage"]
USES: tuple[Use, ...] = get_args(Use)

SUPERSEDED = "superseded"  # member of a key in the file: the instant since when another stands first


def _digest_of(key: OctKey, purpose: str, value: str) -> bytes:
    return hmac.digest(key.raw_value, f"{purpose}\0{value}".encode(), "sha256")


@dataclass(frozen=True)
class Keyring:
    """The first key of each use is the one in use; others stay as long as something made with them may come back.

    A newer key stands last until every process knows it: nothing is made with it that one of them could not read.
    """

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

    def of_use(self, use: Use) -> tuple[AnyKey, ...]:
        """The keys of one use, the one in use first."""
        found: dict[Use, tuple[AnyKey, ...]] = {
            "sealing": self.sealing,
            "digests": self.digests,
            "storage": self.storage,
        }
        return found[use]

    def as_json(self) -> str:
        """The private keys, as `read` takes them."""
        content = {use: [key.as_dict(private=True) for key in self.of_use(use)] for use in USES}
        return json.dumps({"service": self.service, **content}) + "\n"

    def write(self, path: Path) -> None:
        """Write the private keys, readable by the owner alone: all of them, or what stood there stays."""
        descriptor, beside = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # mode 0600
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(self.as_json())
                file.flush()
                os.fsync(file.fileno())
            Path(beside).replace(path)
        except BaseException:
            Path(beside).unlink(missing_ok=True)
            raise


def generate(service: str) -> Keyring:
    """A fresh keyring; each key's kid says whose it is and which of its kind."""
    return Keyring(
        service,
        sealing=(new_sealing_key(service, 1),),
        digests=(new_key(1),),
        storage=(new_key(1),),
    )


def new_sealing_key(service: str, number: int) -> OKPKey:
    """A key pair to seal to a service."""
    return OKPKey.generate_key("X25519", {"kid": f"{service}.{number}", "use": "enc"})


def new_key(number: int) -> OctKey:
    """A key to digest or to encrypt with."""
    return OctKey.generate_key(256, {"kid": str(number)})


def read(path: Path) -> Keyring:
    """The keyring of a file. Raises OSError or ValueError."""
    return parse(path.read_text(encoding="utf-8"))


def parse(text: str) -> Keyring:
    """The keyring of a file's content. Raises ValueError, which shows nothing of it."""
    try:
        content: dict[str, Any] = json.loads(text)
        return _keyring(content)
    except (ValueError, KeyError, TypeError, AttributeError, JoseError) as error:
        raise ValueError(f"not a keyring: {type(error).__name__}") from None


def _keyring(content: dict[str, Any]) -> Keyring:
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
    path.write_text(public_json(keyrings), encoding="utf-8")


def public_json(keyrings: Iterable[Keyring]) -> str:
    """The public sealing keys of services as one JWKS; of each service the one in use first."""
    keys = [key.as_dict(private=False) for keyring in keyrings for key in keyring.sealing]
    for key in keys:
        key.pop(SUPERSEDED, None)
    return json.dumps({"keys": keys}) + "\n"


def read_public(path: Path) -> KeySet:
    """The public sealing keys of all services."""
    return KeySet.import_key_set(json.loads(path.read_text(encoding="utf-8")))
