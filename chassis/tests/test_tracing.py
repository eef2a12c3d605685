"""One trace holds a change from the request to its last effect, and nothing of the people it concerns."""

import json
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan

from chassis import tracing
from chassis.gate import Gate
from chassis.outcomes import Refusal
from chassis.problems import ProblemRaised
from chassis.subscriptions import Order, Subscription
from chassis.tests.conftest import Bench, OpenDoors, RunRelay, eventually
from chassis.tests.library import count, opened
from chassis.work import Work
from contracts.accounts import AccountOpened
from contracts.cloudevents import read_envelope, read_event
from tests.fixtures.spans import Spans

CALLERS = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def gateway(bench: Bench) -> httpx.AsyncClient:
    """A gateway whose only route publishes an event."""
    app = FastAPI()

    @app.post("/v1/books/{secret}")
    async def add(secret: str) -> None:
        if secret == "crash":
            raise LookupError("anne@example.com")
        await bench.publish(opened(uuid4()))

    app.add_middleware(Gate, default_language="fr")
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://gateway.test")


async def headers_of_the_row(bench: Bench) -> dict[str, str]:
    [row] = await bench.rows("outbox")
    headers: dict[str, str] = row["headers"]
    return headers


def identity(span: ReadableSpan) -> str:
    """A span as a traceparent names it."""
    context = span.context
    assert context is not None
    return f"{context.trace_id:032x}-{context.span_id:016x}"


async def test_the_row_of_an_event_carries_the_trace_of_the_request_that_made_it(bench: Bench, spans: Spans) -> None:
    async with gateway(bench) as client:
        await client.post("/v1/books/7", headers={"traceparent": CALLERS})

    served, worked = spans.one("POST /v1/books/{secret}"), spans.one("publishing")
    assert [f"{link.context.trace_id:032x}" for link in served.links] == [CALLERS.split("-")[1]]
    assert served.parent is None, "a caller decides nothing of ours"
    assert worked.parent == served.context
    assert identity(worked) in (await headers_of_the_row(bench))["ce_traceparent"]


async def test_a_request_is_named_by_its_route_and_nothing_in_its_path_or_query_is_kept(
    bench: Bench, spans: Spans
) -> None:
    async with gateway(bench) as client:
        await client.post("/v1/books/handle-1?email=anne@example.com")
        await client.post("/v1/books/crash")

    told = "".join(span.to_json() for span in spans.all())
    assert "handle-1" not in told and "anne" not in told
    assert '"http.response.status_code": 500' in told


async def test_where_we_do_not_trace_nothing_of_a_callers_trace_stays(bench: Bench) -> None:
    async with gateway(bench) as client:
        await client.post("/v1/books/7", headers={"traceparent": CALLERS})
        await client.post("/v1/books/crash", headers={"traceparent": "00-nonsense"})

    assert "ce_traceparent" not in await headers_of_the_row(bench)


async def test_a_message_belongs_to_its_publishers_trace_and_knows_it(bench: Bench, spans: Spans) -> None:
    with tracing.serving("POST", None) as publishing:
        await bench.publish(opened(uuid4()))
    [row] = await bench.rows("outbox")
    headers = [(name, value.encode()) for name, value in row["headers"].items()]
    envelope = read_envelope(headers)
    event = read_event(envelope, row["key"].encode(), row["payload"])
    assert event.traceparent == envelope.traceparent is not None

    tracing.sent(row["topic"], row["headers"], datetime.now(UTC))
    with tracing.handling("accounts.events", "AccountOpened", [event.traceparent]):
        await bench.publish(opened(uuid4()))

    handled, sent = spans.one("process AccountOpened"), spans.one(f"send {row['topic']}")
    assert {span.context.trace_id for span in (handled, sent) if span.context} == {
        publishing.get_span_context().trace_id
    }


async def test_what_a_message_leads_to_belongs_to_its_publishers_trace(
    bench: Bench, spans: Spans, open_doors: OpenDoors, run_relay: RunRelay
) -> None:
    async def passing_on(work: Work[None], event: AccountOpened) -> None:
        if event.terms_version == "0":
            work.publish(opened(event.account_id, number=1))
        else:
            await count(work, event)

    await open_doors(bench, Subscription(AccountOpened, passing_on, Order.KEPT))
    run_relay(bench)
    account_id = uuid4()
    with tracing.serving("POST", None) as first:
        await bench.publish(opened(account_id))
    await eventually(lambda: bench.counted(account_id))

    def handled() -> list[int]:
        named = [span for span in spans.all() if span.name == "process mandat.accounts.AccountOpened.v1"]
        return [span.context.trace_id for span in named if span.context]

    await eventually(lambda: len(handled()) == 2)  # a span ends after its commit
    assert handled() == [first.get_span_context().trace_id] * 2


async def test_what_nobody_asked_for_makes_no_trace(bench: Bench, spans: Spans) -> None:
    await bench.publish(opened(uuid4()))

    assert not spans.all() and "ce_traceparent" not in await headers_of_the_row(bench)


async def test_a_batch_is_linked_to_each_of_its_messages_traces(spans: Spans) -> None:
    other = CALLERS.replace("0af7", "1af7")
    with tracing.handling("accounts.events", "AccountOpened", [CALLERS, None, other]):
        pass

    links = {f"{link.context.trace_id:032x}" for link in spans.one("process AccountOpened").links}
    assert links == {CALLERS.split("-")[1], other.split("-")[1]}


async def test_what_fails_is_marked_with_the_kind_of_error_and_no_value(spans: Spans) -> None:
    with pytest.raises(LookupError), tracing.working("look", CALLERS):
        raise LookupError("anne@example.com")
    with pytest.raises(ProblemRaised), tracing.working("refuse", CALLERS):
        raise ProblemRaised(Refusal("not_found"))

    assert (spans.one("look").status.description, spans.one("look").events) == ("LookupError", ())


def test_spans_go_to_a_file_as_json_lines_when_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracing, "_provider", None)
    monkeypatch.setattr(tracing, "_tracer", None)
    tracing.configure("library", f"file:{tmp_path / 'spans'}", 1.0)
    assert isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider), "libraries would record by themselves"
    with tracing.serving("GET", None), tracing.working("inner"):
        pass
    tracing.shut_down()

    inner, outer = [json.loads(line) for line in (tmp_path / "spans").read_text().splitlines()]
    assert inner["parent_id"] == outer["context"]["span_id"]
    assert outer["resource"]["attributes"]["service.name"] == "mandat-library"
