"""Each subscription of a service promises the order that its event needs, and no more: what need not wait must not."""

import importlib
import importlib.util
from collections.abc import Iterator
from typing import Any

import pytest

from chassis.subscriptions import Order, Subscription
from contracts import flow
from contracts.events import REGISTRY, Event, State
from contracts.notifications import MailRequest
from contracts.topics import NOTIFICATIONS_EVENTS

WITHDRAWALS = (
    "Revoked",
    "Removed",
    "Withdrawn",
    "Ended",
    "Unlinked",
    "Blocked",
)  # so end the names of facts that only take away
PLACES_ITSELF = {"version", "generation"}  # a field that says which of two is the newer, whichever comes first


def subscriptions() -> Iterator[Any]:
    for service in flow.SERVICES:
        if importlib.util.find_spec(f"services.{service}.consumers") is not None:
            consumers: Any = importlib.import_module(f"services.{service}.consumers")
            for found in consumers.SUBSCRIPTIONS:
                yield pytest.param(found, id=f"{service}-{found.event.__name__}")


def needed(event: type[Event]) -> Order:
    """What an event's own class says about its order."""
    free = (
        issubclass(event, State | MailRequest)
        or event.__name__.endswith(WITHDRAWALS)
        or event.topic is NOTIFICATIONS_EVENTS  # stages of one mail's life, which have an order of their own
        or PLACES_ITSELF & event.model_fields.keys()
    )
    return Order.FREE if free else Order.KEPT


@pytest.mark.parametrize("subscription", list(subscriptions()))
def test_a_state_a_withdrawal_and_a_mail_never_wait_and_whatever_else_keeps_its_order(
    subscription: Subscription[Any],
) -> None:
    assert subscription.order is needed(subscription.event)


def test_every_state_can_be_placed_without_order() -> None:
    for event in REGISTRY.values():
        assert "version" in event.model_fields or not issubclass(event, State), event.__name__
