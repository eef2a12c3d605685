"""Which request goes to which handler, and what is promised about its order."""

from chassis.subscriptions import Order, Subscription
from contracts.accounts import SessionsRevoked
from contracts.notifications import MAIL_REQUESTS
from services.notifications import sessions
from services.notifications.mails import handlers as mails
from services.notifications.tools import Tools

# FREE: a withdrawal is monotone and must never wait; mails are independent of each other. What orders them, a mail's
# expiry and the purpose it replaces, stands in the request itself, so that one that is parked holds up no other, and a
# batch may hold any of them.
SUBSCRIPTIONS: tuple[Subscription[Tools], ...] = (
    Subscription(SessionsRevoked, sessions.end_sessions, Order.FREE, revokes=True),
    *(Subscription(request, mails.accept, order=Order.FREE, batch=True) for request in MAIL_REQUESTS),
)
