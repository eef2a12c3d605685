"""What this service reads of others, and which handler it goes to.

Nothing here needs order: each state carries a version and an older one is ignored, a revocation only ever adds. So a
parked message holds back no later one of its key.
"""

from chassis.subscriptions import Order, Subscription
from contracts.accounts import Person, SessionsRevoked
from contracts.authorizations import (
    AdministratorAppointed,
    ClaimRefused,
    Contact,
    Organization,
    RequestDecided,
    RequestLapsed,
    RequestSubmitted,
    RequestWithdrawn,
)
from services.linking.following import accounts, claims, contacts, organizations
from services.linking.tools import Tools

SUBSCRIPTIONS: tuple[Subscription[Tools], ...] = (
    Subscription(Person, accounts.follow_account, Order.FREE, forget=accounts.forget_account),
    Subscription(SessionsRevoked, accounts.end_sessions, Order.FREE),
    Subscription(Organization, organizations.follow_organization, Order.FREE, forget=organizations.forget_organization),
    # What becomes of claims: what has ended stays so, whatever is told later of how it began.
    Subscription(AdministratorAppointed, claims.follow_appointment, Order.FREE),
    Subscription(ClaimRefused, claims.follow_refusal, Order.FREE),
    Subscription(RequestSubmitted, claims.follow_submission, Order.FREE),
    Subscription(RequestDecided, claims.follow_decision, Order.FREE),
    Subscription(RequestLapsed, claims.follow_lapse, Order.FREE),
    Subscription(RequestWithdrawn, claims.follow_withdrawal, Order.FREE),
    Subscription(Contact, contacts.follow_contact, Order.FREE, forget=contacts.forget_contact),
)
