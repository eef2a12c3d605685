"""Secrets in transit: a compact JWE to the reader's key (RFC 7516), which nobody on the way can open."""

import json
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import TypeVar

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import GuestProtocol, KeySet, OctKey
from joserfc.util import json_b64encode, urlsafe_b64decode, urlsafe_b64encode
from pydantic import BaseModel, ValidationError

from chassis.keys import AnyKey, Keyring, SealingKey
from chassis.outcomes import Poison

M = TypeVar("M", bound=BaseModel)

KEY_AGREEMENT = "ECDH-ES"  # direct: a seal has one reader, for whom no key needs to be wrapped
KEY_WRAPPED = "ECDH-ES+A256KW"  # of older seals, which are still opened
ENCRYPTION = "A256GCM"
REGISTRY = jwe.JWERegistry(algorithms=[KEY_AGREEMENT, KEY_WRAPPED, ENCRYPTION])

# What is hashed before and after the secret that both sides agree on, to make the content's key of it (RFC 7518, 4.6.2,
# one round of NIST SP 800-56A's Concat KDF): its counter; then the encryption's name, nobody's names, 256 bits.
BEFORE_AGREED, AFTER_AGREED = b"\0\0\0\x01", b"\0\0\0\x07" + ENCRYPTION.encode() + bytes(8) + b"\0\0\x01\0"

AT_REST = ["dir", ENCRYPTION]


class _Large(jwe.JWERegistry):
    """Without the library's bound of 64 KiB: what is kept is our own, and was bounded on its way in."""

    max_ciphertext_length = 64 * 1024**2  # bytes, encoded


class _Safe:
    """Locks with the first of its keys, and unlocks with each."""

    def __init__(self, keys: Iterable[OctKey]) -> None:
        self._keys = {str(key.kid): key for key in keys}
        self._newest = next(iter(self._keys.values()))
        self._registry = _Large(algorithms=AT_REST)

    @property
    def kid(self) -> str:
        """Of the key that locks."""
        return str(self._newest.kid)

    def lock(self, content: bytes) -> str:
        """A compact JWE of the content. Work for the processor: megabytes take tens of milliseconds."""
        header = {"alg": "dir", "enc": ENCRYPTION, "kid": str(self._newest.kid)}
        return jwe.encrypt_compact(header, content, self._newest, registry=self._registry)

    def unlock(self, kept: str) -> bytes:
        """What was locked. Raises JoseError when it was changed, KeyError when its key is gone."""
        opened = jwe.decrypt_compact(kept, lambda found: self._keys[found.headers()["kid"]], registry=self._registry)
        return opened.plaintext or b""


def start_of_locked(kid: str) -> str:
    """How whatever was locked with a key begins: its header, which names the key."""
    header = {"alg": "dir", "enc": ENCRYPTION, "kid": kid}
    return json_b64encode(header).decode() + "."


def starts_of_sealed(key: AnyKey) -> list[str]:
    """How whatever was sealed to a key begins, up to what differs from seal to seal."""
    starts = []
    for algorithm in (KEY_AGREEMENT, KEY_WRAPPED):
        header = json.dumps({"alg": algorithm, "enc": ENCRYPTION, "kid": str(key.kid)}, separators=(",", ":"))
        known = f'{header[:-1]},"epk":{{'.encode()
        starts.append(urlsafe_b64encode(known[: len(known) // 3 * 3]).decode())
    return starts


class Vault(_Safe):
    """Keeps what only its own service may read again."""

    def __init__(self, keyring: Keyring) -> None:
        """The newest storage key locks; older ones still unlock."""
        super().__init__(keyring.storage)

    def new_key(self) -> str:
        """A fresh key, locked: whatever is locked with it is gone for ever once every copy of this is."""
        key = OctKey.generate_key(256)
        return self.lock(key.raw_value)

    def with_key(self, key_id: str, locked: str) -> _Safe:
        """What locks and unlocks with a key that was made here. Raises as `unlock` does."""
        return _Safe([OctKey.import_key(self.unlock(locked), {"kid": key_id})])


class Sealer:
    """Seals to any service, opens what is sealed to its own."""

    def __init__(self, keyring: Keyring, public: KeySet) -> None:
        """`public` holds every service's sealing keys; a service's newest stands first."""
        self._own = {str(key.kid): key for key in keyring.sealing}
        self._usual = {
            kid: found for kid, key in self._own.items() if isinstance(found := key.private_key, X25519PrivateKey)
        }
        self._public: dict[str, SealingKey] = {}
        for key in public.keys:
            if isinstance(key, SealingKey):
                self._public.setdefault(str(key.kid).split(".", 1)[0], key)

    def seal(self, reader: str, content: BaseModel) -> str:
        """The content as JSON, sealed to the newest key of the service `reader`."""
        key = self._public[reader]
        header = {"alg": KEY_AGREEMENT, "enc": ENCRYPTION, "kid": str(key.kid)}
        return jwe.encrypt_compact(header, content.model_dump_json().encode(), key, registry=REGISTRY)

    def open(self, sealed: str, model: type[M]) -> M:
        """What was sealed to us. Raises Poison when it was sealed to another key or is damaged."""
        try:
            content = usual_content(sealed, self._usual)
            if content is None:
                content = jwe.decrypt_compact(sealed, self._find, registry=REGISTRY).plaintext or b""
            return model.model_validate_json(content)
        except (JoseError, ValidationError, ValueError, KeyError, TypeError):
            raise Poison("the seal cannot be opened with the keys of this service") from None

    def _find(self, recipient: GuestProtocol) -> SealingKey:
        return self._own[recipient.headers()["kid"]]


def usual_content(sealed: str, keys: Mapping[str, X25519PrivateKey]) -> bytes | None:
    """What stands in a seal of exactly the kind that `Sealer.seal` makes to an X25519 key; None: let joserfc judge.

    It spares the checks that follow from the header being this one, which take half of an opening's time. It refuses
    nothing, and what it opens joserfc would open alike.
    """
    try:
        header, wrapped_key, nonce, ciphertext, tag = sealed.encode("ascii").split(b".")
        if len(header) > REGISTRY.max_protected_header_length or len(ciphertext) > REGISTRY.max_ciphertext_length:
            return None
        match json.loads(urlsafe_b64decode(header)):
            case {
                "alg": "ECDH-ES",
                "enc": "A256GCM",
                "kid": str(kid),
                "epk": {"kty": "OKP", "crv": "X25519", "x": str(point), **more_of_key},
                **more,
            } if not (more or more_of_key or wrapped_key) and kid in keys:
                nonce, tag = urlsafe_b64decode(nonce), urlsafe_b64decode(tag)
                if (len(nonce), len(tag)) != (12, 16):
                    return None
                agreed = keys[kid].exchange(X25519PublicKey.from_public_bytes(urlsafe_b64decode(point.encode())))
                key = sha256(BEFORE_AGREED + agreed + AFTER_AGREED).digest()
                return AESGCM(key).decrypt(nonce, urlsafe_b64decode(ciphertext) + tag, header)
    except (InvalidTag, ValueError):
        pass
    return None
