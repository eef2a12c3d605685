"""What the sender asks before each mail: may we write this to this address?"""

import asyncio
from collections.abc import Sequence
from datetime import datetime

from chassis.database import Pool
from chassis.keys import Keyring
from contracts.notifications import SuppressionReason
from services.notifications.addresses import address_key
from services.notifications.suppressions import storage
from services.notifications.suppressions.domain import EVERYTHING, Standstill

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

    async def reason(self, asked: Sequence[bytes], kind: str, now: datetime) -> SuppressionReason | None:
        """Why this kind of mail does not go to an address, by its digests; None when it does. Raises what the database
        raises.
        """
        if self._gathering is None:
            self._gathering = _Round()
            self._gathering.answer = asyncio.ensure_future(self._ask(self._gathering))
        together = self._gathering
        together.digests.update(asked)
        found = await asyncio.shield(together.answer)
        standstills = (found.get((digest, scope)) for scope in (EVERYTHING, kind) for digest in asked)
        return next((each.reason for each in standstills if each is not None and each.holds(now)), None)

    async def _ask(self, together: "_Round") -> dict[tuple[bytes, str], Standstill]:
        async with self._turn:
            self._gathering = None  # who comes now asks in the next round
            return await storage.in_force(self._pool, together.digests)


class _Round:
    """Those who ask with one query."""

    answer: "asyncio.Future[dict[tuple[bytes, str], Standstill]]"

    def __init__(self) -> None:
        self.digests: set[bytes] = set()
