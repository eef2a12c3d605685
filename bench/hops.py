"""Where the mails of registrations were when: put together afterwards, from the databases and the topic.

Nothing is added to the path. Commits are told by a cluster that remembers them (bench/measuring.py).
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from bench.measuring import commits, milliseconds, spread
from bench.registering import Asked
from bench.topics import everything_on
from contracts.cloudevents import read_envelope
from contracts.topics import NOTIFICATIONS_REQUESTS
from local.stack import Stack

IN_NOTIFICATIONS = """
select event_id, applied_at, pg_xact_commit_timestamp(xmin) as kept_at from inbox where event_id = any($1::uuid[])
"""


@dataclass(frozen=True)
class Travelled:
    """The instants of one mail's way, in their order; only the answer to the caller goes beside it."""

    begun: datetime
    committed: datetime
    sent: datetime
    claimed: datetime
    kept: datetime
    data_ended: datetime
    answered: datetime

    @property
    def hops(self) -> dict[str, float]:
        """Milliseconds from each to the next."""
        return {
            "POST begun → committed": milliseconds(self.begun, self.committed),
            "committed → relay sends": milliseconds(self.committed, self.sent),
            "sent → claimed by notifications": milliseconds(self.sent, self.claimed),
            "claimed → kept, committed": milliseconds(self.claimed, self.kept),
            "kept → DATA ended": milliseconds(self.kept, self.data_ended),
        }

    @property
    def whole(self) -> float:
        """Milliseconds from the POST to the end of DATA."""
        return milliseconds(self.begun, self.data_ended)


async def travelled(stack: Stack, asked: Sequence[Asked], arrived: dict[str, datetime]) -> list[Travelled]:
    """The way of each registration's mail."""
    committed = await commits(stack, "accounts", "registration_accepted", [found.registration_id for found in asked])
    requests = {
        json.loads(held.record.value).get("replaces"): (read_envelope(held.record.headers).id, held.sent_at)
        for held in await everything_on(stack.kafka.servers, NOTIFICATIONS_REQUESTS)
    }
    events: dict[str, tuple[UUID, datetime]] = {
        found.registration_id: requests[f"verification:{found.registration_id}"] for found in asked
    }
    connection = await asyncpg.connect(stack.postgres.url("notifications"))
    try:
        rows = await connection.fetch(IN_NOTIFICATIONS, [event_id for event_id, _ in events.values()])
    finally:
        await connection.close()
    kept = {row["event_id"]: (row["applied_at"], row["kept_at"]) for row in rows}
    return [
        Travelled(
            one.begun_at,
            committed[one.registration_id],
            sent_at,
            *kept[event_id],
            arrived[one.address],
            one.answered_at,
        )
        for one in asked
        for event_id, sent_at in [events[one.registration_id]]
    ]


def hop_rows(ways: Sequence[Travelled]) -> list[tuple[str, list[str]]]:
    """The rows of a table, hop by hop."""
    return [(f"hop: {name}", spread([way.hops[name] for way in ways])) for name in ways[0].hops]
