"""What one sender has in hand, and whose turn it is: urgent before normal before bulk, and one hand kept for urgent."""

import asyncio
import heapq
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from uuid import UUID

from services.notifications.mails.domain import PRIORITIES, Mail

IN_HAND_PER_CONNECTION = 8  # mails of one priority: few enough to wait for if we die, or to let another sender have
IN_HAND_WHEN_QUICK = 32  # the same while mails end quickly: enough to send from while others are claimed and recorded
QUICK = 0.5  # seconds from being taken in hand to the end of the attempt
KEPT_FREE = 8  # one hand of so many, at least one, is kept free of normal and bulk mails, as many again of bulk alone

RANKS = tuple(sorted(PRIORITIES.values()))  # 0 urgent, 1 normal, 2 bulk


class Hands:
    """The mails in one sender's hand: those that wait for a connection, those under way, those not yet recorded.

    Each priority has room of its own, and hands that less urgent mails leave free: while thousands of bulk mails are
    on slow connections, an urgent one is taken in hand and begun at once. With one connection nothing can be kept free.
    """

    def __init__(self, count: int, clock: Callable[[], float] = time.monotonic) -> None:
        """`count` is how many mails may be under way at once; `clock` counts seconds."""
        self._clock = clock
        self._is_quick = False
        kept_free = max(1, count // KEPT_FREE)
        self._may_use = {rank: max(1, count - rank * kept_free) for rank in RANKS}
        self._mails: dict[UUID, Mail] = {}
        self._leases: dict[UUID, datetime] = {}
        self._since: dict[UUID, float] = {}
        self._in_hand = dict.fromkeys(RANKS, 0)
        self._under_way = dict.fromkeys(RANKS, 0)
        self._waiting: dict[int, list[tuple[datetime, UUID, Mail]]] = {rank: [] for rank in RANKS}
        self._idle: deque[asyncio.Future[Mail]] = deque()
        self._empty = asyncio.Event()
        self._empty.set()

    @property
    def mails(self) -> Mapping[UUID, Mail]:
        """Everything in hand."""
        return self._mails

    @property
    def empty(self) -> asyncio.Event:
        """Set while nothing is in hand."""
        return self._empty

    def room(self) -> dict[int, int]:
        """How many mails of each priority to take; none until half of its places are free: few statements do."""
        each = IN_HAND_WHEN_QUICK if self._is_quick else IN_HAND_PER_CONNECTION
        places = {rank: each * self._may_use[rank] for rank in RANKS}
        free = {rank: places[rank] - self._in_hand[rank] for rank in RANKS}
        return {rank: free[rank] for rank in RANKS if 2 * free[rank] >= places[rank]}

    def put(self, mails: Iterable[Mail]) -> None:
        """Take mails in hand."""
        now = self._clock()
        for mail in mails:
            self._since[mail.delivery_id] = now
            self._mails[mail.delivery_id] = mail
            self._leases[mail.delivery_id] = mail.lease_until
            self._in_hand[mail.priority] += 1
            heapq.heappush(self._waiting[mail.priority], (mail.due_at, mail.delivery_id, mail))
            self._empty.clear()
        self._deal()

    async def next(self) -> Mail:
        """The mail whose turn it is, for a free hand; `end` follows."""
        mail = self._pick()
        if mail is not None:
            return mail
        turn: asyncio.Future[Mail] = asyncio.get_running_loop().create_future()
        self._idle.append(turn)
        return await turn

    def end(self, mail: Mail) -> None:
        """Its hand is free again; it stays in hand until what came of it is recorded."""
        self._under_way[mail.priority] -= 1
        self._is_quick = self._clock() - self._since[mail.delivery_id] < QUICK
        self._deal()

    def waiting(self) -> list[Mail]:
        """Take away every mail that was not begun."""
        mails = [mail for heap in self._waiting.values() for *_, mail in heap]
        for heap in self._waiting.values():
            heap.clear()
        return mails

    def release(self, mails: Iterable[Mail]) -> None:
        """They are recorded, and no longer in hand."""
        for mail in mails:
            del self._mails[mail.delivery_id]
            del self._leases[mail.delivery_id]
            del self._since[mail.delivery_id]
            self._in_hand[mail.priority] -= 1
        if not self._mails:
            self._empty.set()

    def lease_until(self, mail: Mail) -> datetime:
        """When others may take it."""
        return self._leases[mail.delivery_id]

    def renewed(self, mails: Iterable[UUID], lease_until: datetime) -> None:
        """Keep them in hand longer."""
        for delivery_id in mails:
            if delivery_id in self._leases:
                self._leases[delivery_id] = lease_until

    def _deal(self) -> None:
        while self._idle and (mail := self._pick()) is not None:
            turn = self._idle.pop()  # the connection that was used last: the others may rest
            while turn.cancelled() and self._idle:
                turn = self._idle.pop()
            if turn.cancelled():
                self._under_way[mail.priority] -= 1
                heapq.heappush(self._waiting[mail.priority], (mail.due_at, mail.delivery_id, mail))
                return
            turn.set_result(mail)

    def _pick(self) -> Mail | None:
        for rank in RANKS:
            if self._under_way_from(rank) >= self._may_use[rank]:
                return None  # neither this one nor a less urgent one
            if self._waiting[rank]:
                self._under_way[rank] += 1
                return heapq.heappop(self._waiting[rank])[-1]
        return None

    def _under_way_from(self, rank: int) -> int:
        """How many are under way of this priority and of less urgent ones."""
        return sum(self._under_way[other] for other in RANKS if other >= rank)
