"""Argon2id off the event loop, a bounded number at once, and never inside a transaction."""

import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from chassis.turns import Turns

# OWASP Password Storage Cheat Sheet: the least for Argon2id is m = 19 MiB, t = 2, p = 1.
MEMORY = 19_456  # KiB
PASSES = 2
LANES = 1


class Hasher:
    """Hashes and verifies passwords that passwords.normalized() has prepared."""

    def __init__(self) -> None:
        """Takes as long as one hash: the dummy that unknown logins are verified against is made here."""
        self._argon2 = PasswordHasher(time_cost=PASSES, memory_cost=MEMORY, parallelism=LANES)
        self._turns = Turns("argon2")
        self.dummy = self._argon2.hash(secrets.token_urlsafe(32))

    async def hash(self, password: str) -> str:
        """The password's encoded hash. Raises TimeoutError when too many others wait."""
        return await self._turns.take(lambda: self._argon2.hash(password))

    async def verify(self, encoded: str, password: str) -> bool:
        """Whether the hash is this password's. Raises TimeoutError when too many others wait."""
        return await self._turns.take(lambda: self._verifies(encoded, password))

    def _verifies(self, encoded: str, password: str) -> bool:
        try:
            return self._argon2.verify(encoded, password)
        except (VerificationError, InvalidHashError):
            return False
