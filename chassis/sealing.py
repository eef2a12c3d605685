"""Secrets in transit: a compact JWE to the reader's key (RFC 7516), which nobody on the way can open."""

from typing import TypeVar

from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import GuestProtocol, KeySet
from pydantic import BaseModel, ValidationError

from chassis.keys import Keyring, SealingKey
from chassis.outcomes import Poison

M = TypeVar("M", bound=BaseModel)

KEY_AGREEMENT = "ECDH-ES"  # direct: a seal has one reader, for whom no key needs to be wrapped
KEY_WRAPPED = "ECDH-ES+A256KW"  # of older seals, which are still opened
ENCRYPTION = "A256GCM"
REGISTRY = jwe.JWERegistry(algorithms=[KEY_AGREEMENT, KEY_WRAPPED, ENCRYPTION])

AT_REST = ["dir", ENCRYPTION]


class _Large(jwe.JWERegistry):
    """Without the library's bound of 64 KiB: what is kept is our own, and was bounded on its way in."""

    max_ciphertext_length = 64 * 1024**2  # bytes, encoded


class Vault:
    """Keeps what only its own service may read again."""

    def __init__(self, keyring: Keyring) -> None:
        """The newest storage key locks; older ones still unlock."""
        self._keys = {str(key.kid): key for key in keyring.storage}
        self._newest = keyring.storage[0]
        self._registry = _Large(algorithms=AT_REST)

    def lock(self, content: bytes) -> str:
        """A compact JWE of the content. Work for the processor: megabytes take tens of milliseconds."""
        header = {"alg": "dir", "enc": ENCRYPTION, "kid": str(self._newest.kid)}
        return jwe.encrypt_compact(header, content, self._newest, registry=self._registry)

    def unlock(self, kept: str) -> bytes:
        """What was locked. Raises JoseError when it was changed, KeyError when its key is gone."""
        opened = jwe.decrypt_compact(kept, lambda found: self._keys[found.headers()["kid"]], registry=self._registry)
        return opened.plaintext or b""


class Sealer:
    """Seals to any service, opens what is sealed to its own."""

    def __init__(self, keyring: Keyring, public: KeySet) -> None:
        """`public` holds every service's sealing keys; a service's newest stands first."""
        self._own = {key.kid: key for key in keyring.sealing}
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
            opened = jwe.decrypt_compact(sealed, self._find, registry=REGISTRY)
            return model.model_validate_json(opened.plaintext or b"")
        except (JoseError, ValidationError, ValueError, KeyError, TypeError):
            raise Poison("the seal cannot be opened with the keys of this service") from None

    def _find(self, recipient: GuestProtocol) -> SealingKey:
        return self._own[recipient.headers()["kid"]]
