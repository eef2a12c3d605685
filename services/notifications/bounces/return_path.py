"""The envelope sender of each mail, which names the mail that a report is about (VERP).

A report quotes the addressee in many ways, or not at all; but it is always sent to the envelope sender (RFC 5321,
3.6.3). So each mail has its own, `bounces+TOKEN@domain`, and only who has seen the mail knows it: TOKEN holds the
delivery id and a keyed MAC of it. Base 32, because hosts on the way may change the case of a local part.
"""

import base64
import binascii
import hmac
from uuid import UUID

from chassis.keys import Keyring

PURPOSE = "return_path"
MAC_BYTES = 10  # 80 bits: each guess is a mail to our server
ID_BYTES = 16
TOKEN_LENGTH = 42  # base 32 characters for 26 bytes, without padding
LONGEST_LOCAL_PART = 64  # octets (RFC 5321, 4.5.3.1.1)
LONGEST_BASE = LONGEST_LOCAL_PART - TOKEN_LENGTH - 1
SEPARATOR = "+"


class ReturnPath:
    """Makes envelope senders, and recognizes those that we made."""

    def __init__(self, address: str, keyring: Keyring) -> None:
        """`address` is where reports arrive, without a token: `bounces@domain`."""
        base, _, self._domain = address.lower().rpartition("@")
        assert len(base) <= LONGEST_BASE
        self._base = base
        self._keyring = keyring

    def of(self, delivery_id: UUID) -> str:
        """The envelope sender of a mail."""
        token = base64.b32encode(delivery_id.bytes + self._macs(delivery_id)[0]).decode().rstrip("=").lower()
        return f"{self._base}{SEPARATOR}{token}@{self._domain}"

    def read(self, address: str) -> UUID | None:
        """The mail whose envelope sender this is. None for an address that we did not make."""
        local, _, domain = address.strip().lower().rpartition("@")
        base, _, token = local.partition(SEPARATOR)
        if (base, domain) != (self._base, self._domain) or len(token) != TOKEN_LENGTH:
            return None
        try:
            content = base64.b32decode(token + "=" * (-TOKEN_LENGTH % 8), casefold=True)
        except (binascii.Error, ValueError):
            return None
        delivery_id, mac = UUID(bytes=content[:ID_BYTES]), content[ID_BYTES:]
        return delivery_id if any(hmac.compare_digest(mac, known) for known in self._macs(delivery_id)) else None

    def is_without_token(self, address: str) -> bool:
        """Whether this is where reports arrive, with no mail named: feedback loops are registered like that."""
        return address.strip().lower() == f"{self._base}@{self._domain}"

    def _macs(self, delivery_id: UUID) -> list[bytes]:
        return [mac[:MAC_BYTES] for mac in self._keyring.lookups(PURPOSE, str(delivery_id))]
