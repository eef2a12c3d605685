"""Argon2id off the event loop, a bounded number at once, and never inside a transaction."""

import asyncio
import os
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

R = TypeVar("R")

# OWASP Password Storage Cheat Sheet: the least for Argon2id is m = 19 MiB, t = 2, p = 1.
MEMORY = 19_456  # KiB
PASSES = 2
LANES = 1

AT_ONCE = max(2, os.cpu_count() or 2)  # hashes; more than there are cores only makes each one slower, at 19 MiB apiece
PATIENCE = 5.0  # seconds to wait for a turn; then the caller hears that the service is busy (503)


class Hasher:
    """Hashes and verifies passwords that passwords.normalized() has prepared."""

    def __init__(self) -> None:
        """Takes as long as one hash: the dummy that unknown logins are verified against is made here."""
        self._argon2 = PasswordHasher(time_cost=PASSES, memory_cost=MEMORY, parallelism=LANES)
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="argon2")
        self._turns = asyncio.BoundedSemaphore(AT_ONCE)
        self.dummy = self._argon2.hash(secrets.token_urlsafe(32))

    async def hash(self, password: str) -> str:
        """The password's encoded hash. Raises TimeoutError when too many others wait."""
        return await self._in_turn(lambda: self._argon2.hash(password))

    async def verify(self, encoded: str, password: str) -> bool:
        """Whether the hash is this password's. Raises TimeoutError when too many others wait."""
        return await self._in_turn(lambda: self._verifies(encoded, password))

    def _verifies(self, encoded: str, password: str) -> bool:
        try:
            return self._argon2.verify(encoded, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _in_turn(self, work: Callable[[], R]) -> R:
        async with asyncio.timeout(PATIENCE):
            await self._turns.acquire()
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._turns.release()
