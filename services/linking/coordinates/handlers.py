"""Redeeming linking coordinates."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from chassis.limits import too_many
from chassis.outcomes import Refusal
from chassis.work import Work
from contracts.agency.linking import LinkingCoordinates
from services.linking.accounts.handlers import caller
from services.linking.bindings import storage as bindings
from services.linking.codes import domain as codes
from services.linking.codes import storage as kept_codes
from services.linking.codes.handlers import CODE_PURPOSE, bound
from services.linking.contacts import storage as contacts
from services.linking.contacts.domain import Contact
from services.linking.contacts.handlers import live
from services.linking.coordinates import domain
from services.linking.coordinates.domain import Candidate, Proven
from services.linking.links import attempts
from services.linking.links.handlers import Linked, make_link, refuse
from services.linking.organizations.domain import Organization
from services.linking.tools import Tools

UNREADABLE = ""
"""Compared in place of a mistyped code, so that it costs the same work; no digest is of it."""


@dataclass(frozen=True)
class RedeemCoordinates:
    """What a person typed from the mail."""

    account_id: UUID
    method: LinkingCoordinates
    client_number: str
    linking_code: str = field(repr=False)


async def redeem_coordinates(work: Work[Tools], command: RedeemCoordinates) -> Linked | Refusal:
    """Link the account to the contact whose code it has. Whatever is wrong with the coordinates, one refusal says so.

    Refusals: account_not_yet_known, not_authenticated, too_many_attempts, link_refused.
    """
    method = command.method
    account = await caller(work, command.account_id)
    if isinstance(account, Refusal):
        return account
    client_number = codes.read_client_number(command.client_number)
    counted = await attempts.count(work, account, client_number, "redemption_per_client_number")
    if isinstance(counted, int):
        work.audit("link_delayed", method=method.code, seconds=counted)
        return too_many(counted)

    bearers = await contacts.lock_bearers(work.connection, client_number)
    work.take_time()
    candidates = await _candidates(work, await live(work, bearers))
    matching = _whose_code(work.tools, candidates, codes.read_code(command.linking_code) or UNREADABLE)
    elsewhere = await bindings.organizations_linked(work.connection, account.account_id)
    own = await bindings.contacts_linked(work.connection, account.account_id)
    functions = work.tools.agency.functions_of_door(account.door)
    verdict = domain.judge(candidates, matching, own, elsewhere, functions, work.now)
    if isinstance(verdict, Proven):
        return await make_link(work, account, verdict.contact, verdict.organization, method.code, "redeemed")
    return await refuse(work, account, verdict, method.code)


async def _candidates(work: Work[Tools], of: Sequence[tuple[Contact, Organization]]) -> list[Candidate]:
    """Contacts, which the caller has locked, with their newest code and whether an account is them."""
    ids = [contact.contact_id for contact, _ in of]
    newest = await kept_codes.newest_codes(work.connection, ids)
    linked = await bindings.linked_among(work.connection, ids)
    return [
        Candidate(contact, organization, newest.get(contact.contact_id), contact.contact_id in linked)
        for contact, organization in of
    ]


def _whose_code(tools: Tools, candidates: Sequence[Candidate], code: str) -> UUID | None:
    """The candidate whose newest code this is. Compares with all of them, and with at least one digest."""
    digests = {c.contact.contact_id: c.code.digest for c in candidates if c.code is not None}
    matching = [
        contact_id
        for contact_id, digest in (digests or {UUID(int=0): tools.nobodys_digest}).items()
        if tools.keyring.matches(CODE_PURPOSE, bound(contact_id, code), digest)
    ]
    return matching[0] if matching else None
