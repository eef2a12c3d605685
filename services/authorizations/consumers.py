"""Which message goes to which handler, and what each subscription promises about order."""

from chassis.subscriptions import Order, Subscription
from contracts.accounts import CredentialIssued, MisuseSuspected, Person, SessionsRevoked
from contracts.linking import LinkingCodeIssued, LinkRefused, OrganizationClaimed, ProfileLinked, ProfileUnlinked
from services.authorizations.accounts import handlers as accounts
from services.authorizations.bindings import handlers as bindings
from services.authorizations.claims import handlers as claims
from services.authorizations.contested import handlers as contested
from services.authorizations.credentials import handlers as credentials
from services.authorizations.linking_codes import handlers as linking_codes
from services.authorizations.linking_codes.deliveries import STATES, follow_deliveries
from services.authorizations.misuse import handlers as misuse
from services.authorizations.tools import Tools

SUBSCRIPTIONS: tuple[Subscription[Tools], ...] = (
    # A state with a version: an older one is ignored, so nothing needs to wait behind a parked one.
    Subscription(Person, accounts.follow_account, Order.FREE, forget=accounts.forget_account),
    # A withdrawal is monotone and must never wait.
    Subscription(SessionsRevoked, accounts.end_sessions, Order.FREE, revokes=True),
    # Evidence of one account, in the order in which it was seen.
    Subscription(MisuseSuspected, misuse.follow_suspicion, Order.KEPT),
    # Of each half of a contact's credential the newest mail alone is followed.
    Subscription(CredentialIssued, credentials.follow_issue, Order.FREE),
    # Links of one contact follow each other.
    Subscription(ProfileLinked, bindings.follow_link, Order.KEPT),
    # A withdrawal, which tells the whole link: it must never wait, nor does a link that comes after it revive it.
    Subscription(ProfileUnlinked, bindings.follow_unlink, Order.FREE, revokes=True),
    # After the link that stands in its way, where that is the same contact's; another's may come later, and does no
    # harm: what stands in the way is looked up when an agent looks, and when one decides.
    Subscription(LinkRefused, contested.follow_refusal, Order.KEPT),
    # Claims of one organization are decided in the order in which they came, as far as that is known.
    Subscription(OrganizationClaimed, claims.follow_claim, Order.KEPT),
    # Progress of a batch: each item on its own.
    Subscription(LinkingCodeIssued, linking_codes.follow_issue, Order.FREE),
    # What became of mails: the later stage of a mail's life stays, whichever is told first.
    *(Subscription(fact, follow_deliveries, Order.FREE, batch=True) for fact in STATES),
)
