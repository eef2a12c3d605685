"""What a service reads of others, and what each subscription promises."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Any, Generic, TypeVar

from chassis.work import Handler
from contracts.cloudevents import Forgotten
from contracts.events import Event
from contracts.flow import consumer_name

T = TypeVar("T")


class Order(Enum):
    """What happens to later messages of a key while an earlier one is parked."""

    KEPT = "they park behind it"
    FREE = "they go on: each is a state with a version, a withdrawal, or independent of the others"


@dataclass(frozen=True)
class Subscription(Generic[T]):
    """One kind of event, the handler it goes to, and whether order within its key matters.

    With `batch` the handler gets a sequence of events, in the order of their partition and only those that were not
    applied before, and runs in one transaction for all of them. When it raises, they come again one by one, as
    sequences of one. `forget` gets the key (a UUID) of a state's tombstone; without it tombstones are passed over.
    `revokes`: from its commit on somebody may no longer do here what they could; operators are promised how soon.
    """

    event: type[Event]
    handler: Handler[T, Any, Any]
    order: Order
    batch: bool = False
    forget: Handler[T, Any, Any] | None = None
    revokes: bool = False

    def taking(self, content: Event | Forgotten) -> tuple[Handler[T, Any, Any], Any] | None:
        """The handler that takes one message, and what it is given. None for a tombstone that is passed over."""
        if isinstance(content, Forgotten):
            return None if self.forget is None else (self.forget, content.key)
        return self.handler, (content,) if self.batch else content


def consumers_of(service: str, subscriptions: Iterable[Subscription[Any]]) -> frozenset[str]:
    """The names of a service's consumers."""
    return frozenset(consumer_name(service, topic) for one in subscriptions for topic in one.event.topics())
