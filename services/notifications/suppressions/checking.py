"""What the sender asks before each mail: may we write this to this address?"""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from chassis.database import Pool
from chassis.keys import Keyring
from contracts.notifications import SuppressionReason
from services.notifications.addresses import address_key
from services.notifications.suppressions import storage
from services.notifications.suppressions.domain import EVERYTHING, Standstill

PURPOSE = "address"


class Question(NamedTuple):
    """Does a mail of this kind go to the address with these digests?"""

    digests: tuple[bytes, ...]
    kind: str


class SuppressionList:
    """Answers from the table, many questions with one query. Whoever keeps an answer for long writes to addresses that
    were suppressed meanwhile.
    """

    def __init__(self, pool: Pool, keyring: Keyring) -> None:
        """`keyring` holds the keys of the digests, also those that are no longer the newest."""
        self._pool = pool
        self._keyring = keyring

    def digests(self, address: str) -> tuple[bytes, ...]:
        """What rests in our tables instead of an address: keyed, under the newest key first, then under older ones.

        One for all spellings of an address.
        """
        return self._keyring.lookups(PURPOSE, address_key(address))

    def digest(self, address: str) -> bytes:
        """What is kept with a mail instead of its address."""
        return self.digests(address)[0]

    async def reasons(self, asked: Mapping[UUID, Question], now: datetime) -> dict[UUID, SuppressionReason]:
        """Why mails do not go to their addresses; those that do are left out. Raises what the database raises."""
        digests = {digest for question in asked.values() for digest in question.digests}
        found = await storage.in_force(self._pool, digests) if digests else {}
        return {
            mail: reason for mail, question in asked.items() if (reason := _reason(question, found, now)) is not None
        }


def _reason(
    question: Question, found: Mapping[tuple[bytes, str], Standstill], now: datetime
) -> SuppressionReason | None:
    standstills = (found.get((digest, scope)) for scope in (EVERYTHING, question.kind) for digest in question.digests)
    return next((each.reason for each in standstills if each is not None and each.holds(now)), None)
