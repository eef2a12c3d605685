"""What is past its use goes, a portion at a time, and nothing else does."""

from datetime import timedelta

import pytest
from prometheus_client import REGISTRY

from chassis import pruning
from chassis.after import INBOX_KEEPS
from chassis.pruning import RULES, prune
from chassis.tests.conftest import Bench, OpenUnit
from contracts.agency.limits import Budget
from contracts.topics import TOPICS

FILL = {
    "inbox": "insert into inbox select 'c', gen_random_uuid(), clock_timestamp() - $1::interval"
    " from generate_series(1, $2)",
    "idempotency_keys": "insert into idempotency_keys"
    " select 'p', 'r', gen_random_uuid()::text, '', gen_random_uuid(), clock_timestamp() - $1::interval"
    " from generate_series(1, $2)",
    "limits": "insert into limits select 'l', uuid_send(gen_random_uuid()), clock_timestamp() - $1::interval, 1"
    " from generate_series(1, $2)",
    "revoked_sessions": "insert into revoked_sessions select gen_random_uuid(), clock_timestamp() - $1::interval"
    " from generate_series(1, $2)",
}


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pruning, "REST", 0)
    monkeypatch.setattr(pruning, "PORTION", 1)


async def fill(bench: Bench, table: str, age: timedelta, rows: int) -> None:
    await bench.pool.execute(FILL[table], age, rows)


def pruned(table: str) -> float:
    return REGISTRY.get_sample_value("mandat_pruned_rows_total", {"table": table}) or 0


def test_a_claim_is_kept_longer_than_any_record_can_be_delivered_again() -> None:
    longest = max(topic.retention_ms for topic in TOPICS if not topic.compacted)
    assert 2 * timedelta(milliseconds=longest) <= INBOX_KEEPS
    assert next(rule.keeps for rule in RULES if rule.table == "inbox") == INBOX_KEEPS


def test_a_limit_is_kept_until_the_longest_window_is_long_over() -> None:
    [longest] = [rule.le for rule in Budget.model_fields["per_seconds"].metadata if hasattr(rule, "le")]
    assert next(rule.keeps for rule in RULES if rule.table == "limits") >= 2 * timedelta(seconds=longest)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.table)
async def test_rows_past_their_use_go_and_younger_ones_stay(bench: Bench, rule: pruning.Rule) -> None:
    minute, before = timedelta(minutes=1), pruned(rule.table)
    await fill(bench, rule.table, rule.keeps + minute, 300)  # several portions
    await fill(bench, rule.table, rule.keeps - minute, 20)
    await fill(bench, rule.table, rule.keeps + minute, 300)

    await prune(bench.pool)

    assert await bench.size(rule.table) == 20
    assert pruned(rule.table) == before + 600


async def test_one_worker_prunes_at_a_time(bench: Bench, open_unit: OpenUnit) -> None:
    other = await open_unit(bench.dsn)
    await fill(bench, "inbox", timedelta(days=30), 10)
    async with other.pool.acquire() as connection, connection.transaction():
        await connection.execute("select pg_advisory_xact_lock($1)", pruning.LOCK)
        await prune(bench.pool)
        assert await bench.size("inbox") == 10

    await prune(bench.pool)
    assert await bench.size("inbox") == 0
