"""What this service reads of others, and which handler it goes to."""

from chassis.subscriptions import Order, Subscription
from contracts.authorizations import Contact
from contracts.linking import ProfileLinked
from services.accounts.credentials import handlers as credentials
from services.accounts.lapsing import handlers as lapsing
from services.accounts.tools import Tools

SUBSCRIPTIONS: tuple[Subscription[Tools], ...] = (
    # Links of one contact follow each other, as for every reader of them.
    Subscription(ProfileLinked, lapsing.follow_link, Order.KEPT),
    # A state of which only a rising generation does anything; most have none, and many come with an import. Of who is
    # forgotten nothing is known here but ids, which stay: a late state must not give anything again.
    Subscription(Contact, credentials.follow_contacts, Order.FREE, batch=True),
)
