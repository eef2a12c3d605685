"""Traces (OpenTelemetry): one picture of a change, from the request through outbox and Kafka to the mail host.

Off unless MANDAT_TRACES says where spans go. A trace begins at a gateway: that of a caller who traces too is linked and
not continued, so nobody outside decides what we keep, nor what our events say. A span holds routes, types, outcomes and
times: no path, query or header of a request, no id of a person, no address. Names follow OpenTelemetry's semantic
conventions for HTTP and messaging.
"""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import Any

from opentelemetry import context, trace
from opentelemetry.trace import Link, Span, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from chassis.telemetry import described

FIELD = "traceparent"
NANOSECONDS = 1_000_000_000
NOTHING: AbstractContextManager[Span] = contextlib.nullcontext(trace.INVALID_SPAN)

_propagator = TraceContextTextMapPropagator()
_tracer = trace.get_tracer("mandat")
_provider: Any = None


def configure(service: str, destination: str, share: float) -> None:
    """Send spans where `destination` says: "" nowhere, `file:PATH` as JSON lines, else an OTLP/HTTP collector's URL.

    `share`, between 0 and 1, of the traces is kept; which, follows from the trace's id: every service keeps the same.
    """
    global _provider, _tracer  # noqa: PLW0603 (OpenTelemetry's own are one per process too)
    if not destination:
        return
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415 (a process that does not trace needs none of it)
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
    from opentelemetry.sdk.trace.sampling import TraceIdRatioBased  # noqa: PLC0415

    resource = Resource.create({"service.name": f"mandat-{service}"})
    _provider = TracerProvider(resource=resource, sampler=TraceIdRatioBased(share))
    _provider.add_span_processor(BatchSpanProcessor(_exporter(destination)))
    # Not the global provider: FastAPI, for one, would find it and record paths and queries of its own accord.
    _tracer = _provider.get_tracer("mandat")


def _exporter(destination: str) -> Any:
    if not destination.startswith("file:"):
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415

        return OTLPSpanExporter(endpoint=f"{destination.rstrip('/')}/v1/traces")
    from opentelemetry.sdk.trace.export import ConsoleSpanExporter  # noqa: PLC0415

    class FileSpanExporter(ConsoleSpanExporter):
        def shutdown(self) -> None:
            self.out.close()

    file = Path(destination.removeprefix("file:")).open("a", encoding="utf-8")  # noqa: SIM115 (open as long as we run)
    return FileSpanExporter(out=file, formatter=lambda span: span.to_json(indent=None) + "\n")


def shut_down() -> None:
    """Send what is left. Whatever no collector takes is dropped: a trace is a picture and no record."""
    global _provider  # noqa: PLW0603
    if _provider is not None:
        _provider.shutdown()
        _provider = None


def is_on() -> bool:
    """Whether this process records spans."""
    return _provider is not None


def current() -> str | None:
    """The traceparent of what is going on now; None when nobody traces."""
    if not trace.get_current_span().get_span_context().is_valid:
        return None
    carrier: dict[str, str] = {}
    _propagator.inject(carrier)
    return carrier.get(FIELD)


def serving(method: str, traceparent: str | None) -> AbstractContextManager[Span]:
    """A request, whose route and status `served` adds when they are known; `traceparent` is what its caller says."""
    if not is_on():
        return NOTHING
    return _recorded(
        method, SpanKind.SERVER, None, [traceparent] if traceparent else [], {"http.request.method": method}
    )


def served(span: Span, method: str, route: str, status: int) -> None:
    """Name a request by its route, never by its path: a path may hold what its holder alone may know."""
    if not span.is_recording():
        return
    span.update_name(f"{method} {route}")
    span.set_attributes({"http.route": route, "http.response.status_code": status})
    if status >= 500:
        span.set_status(Status(StatusCode.ERROR))


def handling(topic: str, kind: str, traceparents: Sequence[str | None]) -> AbstractContextManager[Span]:
    """Messages being handled in one transaction: one belongs to its publisher's trace, several are linked to theirs."""
    attributes: dict[str, str | int] = {
        "messaging.system": "kafka",
        "messaging.operation.type": "process",
        "messaging.destination.name": topic,
        "messaging.batch.message_count": len(traceparents),
    }
    return _span(f"process {kind}", SpanKind.CONSUMER, traceparents, attributes)


def working(
    what: str, traceparent: str | None = None, kind: SpanKind = SpanKind.INTERNAL
) -> AbstractContextManager[Span]:
    """A step of our own, inside what is going on now or in the trace that is named; without either it makes no span."""
    if traceparent is None and not trace.get_current_span().get_span_context().is_valid:
        return NOTHING
    return _span(what, kind, [traceparent], {})


def sent(topic: str, headers: Mapping[str, str], since: datetime) -> None:
    """Note that the broker acknowledged a row of the outbox that was written at `since`."""
    if not is_on() or (traceparent := headers.get(f"ce_{FIELD}")) is None:
        return
    attributes = {
        "messaging.system": "kafka",
        "messaging.operation.type": "send",
        "messaging.destination.name": topic,
    }
    begun = int(since.timestamp() * NANOSECONDS)
    span = _tracer.start_span(f"send {topic}", _parent(traceparent), SpanKind.PRODUCER, attributes, start_time=begun)
    span.end()


def _span(
    name: str, kind: SpanKind, traceparents: Sequence[str | None], attributes: Mapping[str, str | int]
) -> AbstractContextManager[Span]:
    """A span in the one trace that is named, or linked to each of several; nothing unless this process traces."""
    if not is_on():
        return NOTHING
    match [found for found in traceparents if found]:
        case [one]:
            return _recorded(name, kind, _parent(one), [], attributes)
        case several:
            return _recorded(name, kind, None, several, attributes)


@contextlib.contextmanager
def _recorded(
    name: str,
    kind: SpanKind,
    parent: context.Context | None,
    linked: Sequence[str],
    attributes: Mapping[str, str | int],
) -> Iterator[Span]:
    """It ends as failed when what it holds raises; of the error it keeps what may be written down."""
    links = [Link(trace.get_current_span(_parent(found)).get_span_context()) for found in linked]
    with _tracer.start_as_current_span(
        name, parent, kind, attributes, links, record_exception=False, set_status_on_exception=False
    ) as span:
        try:
            yield span
        except Exception as error:
            span.set_status(Status(StatusCode.ERROR, described(error)))
            raise


def _parent(traceparent: str) -> context.Context:
    return _propagator.extract({FIELD: traceparent})
