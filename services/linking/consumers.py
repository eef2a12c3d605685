"""What this service reads of others, and which handler it goes to.

Nothing here needs order: each state carries a version and an older one is ignored, a revocation only ever adds. So a
parked message holds back no later one of its key.
"""

from chassis.subscriptions import Order, Subscription
from contracts.accounts import Person, SessionsRevoked
from contracts.authorizations import Contact, Organization
from services.linking import handlers
from services.linking.tools import Tools

SUBSCRIPTIONS: tuple[Subscription[Tools], ...] = (
    Subscription(Person, handlers.follow_account, Order.FREE, forget=handlers.forget_account),
    Subscription(SessionsRevoked, handlers.end_sessions, Order.FREE),
    Subscription(Organization, handlers.follow_organization, Order.FREE, forget=handlers.forget_organization),
    Subscription(Contact, handlers.follow_contact, Order.FREE, forget=handlers.forget_contact),
)
