"""A record as its consumer understands it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar

from aiokafka import ConsumerRecord

from chassis.subscriptions import Order, Subscription
from contracts.cloudevents import Envelope, Forgotten, Malformed, read_envelope, read_event
from contracts.events import Event

T = TypeVar("T")
Record: TypeAlias = "ConsumerRecord[bytes, bytes]"

LARGEST = 900_000  # bytes of a value: what an outbox takes; a larger record is none of ours
MOST_TOGETHER = 500  # messages in one transaction: faster than 100, and no slower than 1,000


@dataclass(frozen=True)
class Message(Generic[T]):
    """A record, and what was read of it; without a subscription nobody here wants it. `fault`: why it is unreadable."""

    record: Record
    envelope: Envelope | None = None
    subscription: Subscription[T] | None = None
    content: Event | Forgotten | None = None
    fault: Malformed | None = None

    @property
    def type(self) -> str:
        """Its CloudEvents type, for metrics: of bounded variety, whatever arrives."""
        if self.envelope is None:
            return "unknown"
        return self.envelope.type if self.subscription is not None else "other"

    @property
    def ordered(self) -> bool:
        """Whether later messages of its key wait while it is parked; they do when nobody can tell."""
        return self.subscription is None or self.subscription.order is Order.KEPT

    def joins(self, other: "Message[T]") -> bool:
        """Whether it may be handled in one transaction with the one before it."""
        if self.subscription is None or other.subscription is None:
            return False
        return self.in_batch and other.in_batch and self.subscription.handler is other.subscription.handler

    @property
    def in_batch(self) -> bool:
        """Whether it may share its transaction with others; a tombstone or a message at fault may not."""
        return self.subscription is not None and self.subscription.batch and isinstance(self.content, Event)


def read(record: Record, by_type: Mapping[str, Subscription[T]]) -> Message[T]:
    """What a record is to a consumer that subscribes to these types."""
    try:
        if record.value is not None and len(record.value) > LARGEST:
            raise Malformed(f"the record is larger than {LARGEST} bytes")
        for name, _ in record.headers:
            if not name.isascii() and not is_text(name):
                raise Malformed("the name of a header is not UTF-8")
        envelope = read_envelope(record.headers)
    except Malformed as fault:
        return Message(record, fault=fault)
    subscription = by_type.get(envelope.type)
    if subscription is None:
        return Message(record, envelope)
    try:
        return Message(record, envelope, subscription, read_event(envelope, record.key, record.value))
    except Malformed as fault:
        return Message(record, envelope, subscription, fault=fault)


def is_text(name: str) -> bool:
    """Whether a header's name was UTF-8; one that was not came with lone surrogates."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def runs(records: Sequence[Record], by_type: Mapping[str, Subscription[T]]) -> Iterator[list[Message[T]]]:
    """The records of a partition in order, those together that one transaction may handle. Reads as late as it can."""
    run: list[Message[T]] = []
    for record in records:
        message = read(record, by_type)
        if run and (len(run) == MOST_TOGETHER or not message.joins(run[-1])):
            yield run
            run = []
        run.append(message)
        if not message.in_batch:
            yield run
            run = []
    if run:
        yield run
