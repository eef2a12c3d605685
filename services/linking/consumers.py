"""What this service reads of others, and which handler it goes to.

States need no order, since each carries a version and an older one is ignored; a revocation only ever adds, and what
was withdrawn stays so. What else becomes of claims is told in order: who is asked last is who decides.
"""

from chassis.subscriptions import Order, Subscription
from contracts.accounts import CredentialIssued, Person, SessionsRevoked
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
    Subscription(SessionsRevoked, accounts.end_sessions, Order.FREE, revokes=True),
    # Of a contact a newer generation alone does anything, and each is another account's: nothing waits for another.
    Subscription(CredentialIssued, accounts.follow_credential, Order.FREE),
    Subscription(Organization, organizations.follow_organization, Order.FREE, forget=organizations.forget_organization),
    Subscription(AdministratorAppointed, claims.follow_appointment, Order.KEPT),
    Subscription(ClaimRefused, claims.follow_refusal, Order.KEPT),
    Subscription(RequestSubmitted, claims.follow_submission, Order.KEPT),
    Subscription(RequestDecided, claims.follow_decision, Order.KEPT),
    Subscription(RequestLapsed, claims.follow_lapse, Order.KEPT),
    Subscription(RequestWithdrawn, claims.follow_withdrawal, Order.FREE),
    Subscription(Contact, contacts.follow_contact, Order.FREE, forget=contacts.forget_contact),
)
