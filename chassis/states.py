"""States are sent again an hour later, so that compaction keeps the newest whatever a dying relay did.

A relay that lost its lock while records were in flight may deliver an older state behind a newer one. Live readers
ignore it by its version; compaction, which knows no versions, would keep it for whoever reads the topic from its
beginning. The echo, the same record with the same id, puts the newest state last again, and inboxes drop it.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from prometheus_client import Counter

from chassis.database import Connection
from chassis.outbox import Record

LAST_VERSION = 2**63 - 1
"""Of what a reader has forgotten, as a bigint holds it: no state that arrives late is newer."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ECHO_AFTER = timedelta(hours=1)  # far longer than a send can be in flight (chassis/relay.py), less than COMPACTION_LAG
PORTION = 500  # echoes in one transaction

ECHOED = Counter("mandat_states_sent_again", "States and tombstones that were put into the outbox a second time")

KEEP = """
insert into state_echoes (topic, key, headers, payload, due_at)
select topic, key, headers::jsonb, payload, clock_timestamp() + $5
from unnest($1::text[], $2::text[], $3::text[], $4::bytea[]) as rows (topic, key, headers, payload)
on conflict (topic, key) do update
    set headers = excluded.headers, payload = excluded.payload, due_at = excluded.due_at
"""

# A row is locked before its outbox id is drawn, and one that a transaction is about to replace is skipped; if that
# transaction has just committed, the row is looked at again and no longer due.
SEND_AGAIN = """
with due as (
    select topic, key from state_echoes where due_at <= clock_timestamp() order by due_at limit $1
    for update skip locked
), taken as (
    delete from state_echoes using due where state_echoes.topic = due.topic and state_echoes.key = due.key
    returning state_echoes.topic, state_echoes.key, headers, payload
)
insert into outbox (topic, key, headers, payload) select topic, key, headers, payload from taken
"""


def version_at(now: datetime) -> int:
    """The least version of a state that is decided at an instant: microseconds since 1970, well within JSON's integers.

    A database that is restored to an earlier time goes on with versions above those that it had published since, so
    that readers take its states. A state's next version is the greater of this and one more than its last.
    """
    return (now - EPOCH) // timedelta(microseconds=1)


async def keep(connection: Connection, records: Sequence[Record]) -> None:
    """Keep the last state of each key for its echo, in place of an older one.

    Called before the transaction draws its outbox ids. The row that this locks holds off an echo of the older version
    until we have committed, or makes us wait for one that is under way: an echo's id is never above that of a newer
    state.
    """
    last = {(record.topic, record.key): record for record in records if record.is_state}
    if not last:
        return
    ordered = [last[place] for place in sorted(last)]  # two transactions lock the same rows in the same order
    await connection.execute(
        KEEP,
        [record.topic for record in ordered],
        [record.key for record in ordered],
        [record.headers for record in ordered],
        [record.payload for record in ordered],
        ECHO_AFTER,
    )


async def send_again(connection: Connection) -> int:
    """Move a portion of what is due into the outbox. Returns how many rows; several workers may do so at once."""
    status = await connection.execute(SEND_AGAIN, PORTION)
    sent = int(status.rsplit(" ", 1)[1])
    ECHOED.inc(sent)
    return sent
