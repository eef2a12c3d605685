"""What this service reads of others, and which handler it goes to."""

from chassis.subscriptions import Order, Subscription
from contracts.linking import ProfileLinked
from services.accounts.lapsing import handlers as lapsing
from services.accounts.tools import Tools

# Links of one contact follow each other, as for every reader of them.
SUBSCRIPTIONS: tuple[Subscription[Tools], ...] = (Subscription(ProfileLinked, lapsing.follow_link, Order.KEPT),)
