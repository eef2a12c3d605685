"""Logs as JSON lines on standard error. Facts and ids only: no person, no secret."""

import logging
import sys

import structlog


def configure(service: str, level: str) -> None:
    """Send every log of this process, ours and the libraries', through one JSON renderer."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
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
    logging.getLogger("httpx").setLevel(logging.WARNING)
    # In an outage aiokafka writes some eighty lines a second; one in fifty is enough to see it.
    logging.getLogger("aiokafka").addFilter(_OneIn(50))


class _OneIn(logging.Filter):
    """Passes each message's first occurrence and then one in so many."""

    def __init__(self, every: int) -> None:
        super().__init__()
        self._every = every
        self._seen: dict[str, int] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        seen = self._seen[record.msg] = self._seen.get(record.msg, -1) + 1
        return seen % self._every == 0
