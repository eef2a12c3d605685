"""What the sender asks before each mail: may we write to this address?"""

import asyncio
from collections.abc import Sequence

from chassis.database import Pool
from chassis.keys import Keyring
from contracts.notifications import SuppressionReason
from services.notifications.addresses import address_key
from services.notifications.suppressions import storage

PURPOSE = "address"


class SuppressionList:
    """Answers from the table, for all who ask at the same moment with one query.

    Asking for each mail by itself would cost a query each; remembering answers would let mails go to addresses that
    were suppressed meanwhile.
    """

    def __init__(self, pool: Pool, keyring: Keyring) -> None:
        """`keyring` holds the keys of the digests, also those that are no longer the newest."""
        self._pool = pool
        self._keyring = keyring
        self._turn = asyncio.Lock()
        self._gathering: _Round | None = None

    def digests(self, address: str) -> tuple[bytes, ...]:
        """What rests in our tables instead of an address: keyed, under the newest key first, then under older ones.

        One for all spellings of an address.
        """
        return self._keyring.lookups(PURPOSE, address_key(address))

    def digest(self, address: str) -> bytes:
        """What is kept with a mail instead of its address."""
        return self.digests(address)[0]

    async def reason(self, asked: Sequence[bytes]) -> SuppressionReason | None:
        """Why we do not write to an address, by its digests; None when we do. Raises what the database raises."""
        if self._gathering is None:
            self._gathering = _Round()
            self._gathering.answer = asyncio.ensure_future(self._ask(self._gathering))
        together = self._gathering
        together.digests.update(asked)
        found = await asyncio.shield(together.answer)
        return next((found[digest] for digest in asked if digest in found), None)

    async def _ask(self, together: "_Round") -> dict[bytes, SuppressionReason]:
        async with self._turn:
            self._gathering = None  # who comes now asks in the next round
            return await storage.reasons(self._pool, together.digests)


class _Round:
    """Those who ask with one query."""

    answer: "asyncio.Future[dict[bytes, SuppressionReason]]"

    def __init__(self) -> None:
        self.digests: set[bytes] = set()
