"""Logs as JSON lines on standard error. Facts and ids only: no person, no secret."""

import logging
import sys
import traceback
from collections import Counter
from types import TracebackType
from typing import Any

import structlog
from opentelemetry import trace


def configure(service: str, level: str) -> None:
    """Send every log of this process, ours and the libraries', through one JSON renderer."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _in_trace,
        structlog.processors.ExceptionRenderer(_frames),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    structlog.contextvars.bind_contextvars(service=service)
    for library in ("aiokafka", "faststream", "httpx", "uvicorn"):  # what they say of a healthy process is noise
        logging.getLogger(library).setLevel(logging.WARNING)
    # In an outage aiokafka writes some eighty lines a second; one in fifty is enough to see it.
    handler.addFilter(_OneIn(50, of="aiokafka"))


def _in_trace(_: Any, __: str, line: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Name the trace in which a line was written, so that both can be looked at; nothing where nobody traces."""
    span = trace.get_current_span().get_span_context()
    if span.is_valid:
        line["trace_id"] = trace.format_trace_id(span.trace_id)
    return line


def described(error: BaseException) -> str:
    """What may be written down of an error: its type, and from PostgreSQL the SQLSTATE and the constraint.

    Messages are left out, because they quote values: PostgreSQL's DETAIL a whole row, pydantic's the input. They
    are kept where they speak of systems alone: the network's, Kafka's, and our own.
    """
    told = [getattr(error, name, None) for name in ("sqlstate", "constraint_name")]
    name = " ".join([type(error).__name__, *(str(part) for part in told if part)])
    return f"{name}: {error}" if isinstance(error, OSError | RuntimeError) or _is_ours(error) else name


def _is_ours(error: BaseException) -> bool:
    return type(error).__module__.startswith(("chassis.", "contracts.", "services."))


def _frames(
    exc_info: tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None],
) -> str:
    """A traceback that shows where, and of each error only what may be written down; the cause comes first."""
    lines: list[str] = []
    error = exc_info[1]
    while error is not None:
        lines[:0] = [*traceback.format_tb(error.__traceback__), described(error) + "\n"]
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return "".join(lines).rstrip()


class _OneIn(logging.Filter):
    """Of one library's lines passes the first from each place in its code, and then one in so many.

    It stands on the handler: a logger's own filter does not see what comes from the loggers below it.
    """

    def __init__(self, every: int, of: str) -> None:
        super().__init__()
        self._every = every
        self._library = logging.Filter(of)
        self._seen: Counter[tuple[str, int]] = Counter()

    def filter(self, record: logging.LogRecord) -> bool:
        if not self._library.filter(record):
            return True
        place = record.pathname, record.lineno
        self._seen[place] += 1
        return self._seen[place] % self._every == 1
