"""Asking accounts for a contact's credential, and an agent for another address where half of one came back."""

from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

from chassis.outcomes import Refusal
from chassis.work import Work
from contracts.accounts import CredentialIssued
from contracts.agency import Agency
from contracts.credentials import CredentialAddresses, CredentialHalf
from contracts.notifications import CredentialUndeliveredMail
from services.authorizations import mailing
from services.authorizations.addresses.domain import Giver, refused
from services.authorizations.addresses.handlers import judge
from services.authorizations.contacts import storage as contacts
from services.authorizations.contacts.state import publish_state
from services.authorizations.credentials import domain, storage
from services.authorizations.credentials.domain import BOTH, AskedBounce
from services.authorizations.credentials.storage import Kept, Limits, Undelivered
from services.authorizations.organizations import storage as organizations
from services.authorizations.requests import telling
from services.authorizations.requests.domain import Decision, Request, Told
from services.authorizations.requests.submitting import Ask, submit
from services.authorizations.tools import Tools

COMES_BACK = timedelta(days=7)
"""How long after it was sent a mail may come back: hosts try for five days (RFC 5321, 4.5.4.1)."""


async def raise_generation(
    work: Work[Tools],
    contact_id: UUID,
    to: CredentialAddresses,
    halves: Sequence[CredentialHalf] = BOTH,
) -> int:
    """Ask accounts to give a contact a credential, each half in a mail to its own address. Returns its generation.

    Publishes the contact's state: call it once the contact and what it holds are written, its organization locked.
    `halves`: what is to go out again of one that was given before.
    """
    kept = Kept(work.tools.sealer.seal("accounts", to), domain.locked(work.tools.vault, to))
    generation = await storage.raise_generation(work.connection, contact_id, kept, halves, work.now)
    await publish_state(work, contact_id)
    return generation


async def addresses_of(work: Work[Tools], contact_id: UUID) -> CredentialAddresses | None:
    """To whom the contact's credential goes; None where it has none, or all of it is over."""
    kept = await storage.own_addresses(work.connection, contact_id)
    return None if kept is None else domain.unlocked(work.tools.vault, kept)


async def follow_issue(work: Work[Tools], issued: CredentialIssued) -> None:
    """Know in which mails a credential travels, and ask about those of which it was told first that they came back."""
    await organizations.lock(work.connection, [issued.organization_id])
    mails = (issued.deliveries.to_professional, issued.deliveries.to_delegate)
    await storage.meet(work.connection, [found for found in mails if found is not None])
    work.take_time()
    await storage.issued(work.connection, issued.contact_id, issued.generation, work.now)
    for found in await storage.undelivered(work.connection, await storage.keep_deliveries(work.connection, issued)):
        await _ask(work, found)


async def follow_ends(work: Work[Tools], delivery_ids: Collection[UUID]) -> None:
    """Ask about those of these mails, which did not arrive, that carried half of a credential."""
    await storage.meet(work.connection, delivery_ids)
    came_back = await storage.undelivered(work.connection, delivery_ids)
    if not came_back:
        return
    await organizations.lock(work.connection, {found.organization_id for found in came_back})
    work.take_time()
    for found in came_back:
        await _ask(work, found)


def over(agency: Agency, now: datetime, today: date) -> Limits:
    """Which credentials are over: nothing comes back of what was issued, or nobody may keep what was raised.

    A mail of one is sent as long as its password is good for.
    """
    sent_for = timedelta(hours=agency.mandates.credentials.password_hours if agency.mandates else 0)
    return Limits(now - sent_for - COMES_BACK, now - timedelta(days=agency.requests.personal_days), today)


async def forget(work: Work[Tools], contact_id: UUID) -> None:
    """Forget to whom a credential went of which nothing is needed any more, here and in the contact's state."""
    contact = await contacts.get(work.connection, contact_id)
    assert contact is not None
    await organizations.lock(work.connection, [contact.organization_id])
    work.take_time()
    if await storage.forget(work.connection, contact_id, over(work.tools.agency, work.now, work.today)):
        await publish_state(work, contact_id)
        work.audit("credential_addresses_forgotten", object_id=contact_id)


async def send_again(work: Work[Tools], request: Request, decision: Decision) -> Refusal | None:
    """Approved: the half goes to the address that the agent names; a temporary password is another one each time."""
    asked = AskedBounce.model_validate(request.asked)
    addresses = await addresses_of(work, asked.contact_id)
    if addresses is None:
        return Refusal("not_found")
    if decision.email is None:
        return Refusal("address_required", fields=("email",))
    party, other = domain.reader_of(asked.half, addresses), domain.other_of(asked.half, addresses)
    contact_id = asked.contact_id if asked.half == "temporary_password" else None
    giver = Giver(request.request_id, None, contact_id, party.family_name, party.given_name)
    if reason := await judge(work, decision.email, giver, [other.email]):
        return refused(reason, "email")
    to = domain.readdressed(asked.half, addresses, decision.email)
    generation = await raise_generation(work, asked.contact_id, to, (asked.half,))
    work.audit(
        "credential_readdressed",
        organization_id=request.organization_id,
        object_id=asked.contact_id,
        half=asked.half,
        generation=generation,
    )
    return None


async def tell(work: Work[Tools], request: Request, outcome: Told, reason: str | None) -> None:
    """An approval tells by itself, in the mails that go out again."""
    if outcome != "approve":
        await telling.tell_both_sides(work, request, outcome, reason)


async def _ask(work: Work[Tools], found: Undelivered) -> None:
    """Ask an agent once for each mail, and tell the side that can be reached what to do."""
    if await storage.is_asked(work.connection, found, work.today):
        return
    addresses = await addresses_of(work, found.contact_id)
    if addresses is None:
        return
    asked = AskedBounce(contact_id=found.contact_id, half=found.half, generation=found.generation)
    await submit(
        work,
        Ask(work.new_id(), "review", asked, None, organization_id=found.organization_id, reason="bounce"),
    )
    reader, missed = domain.other_of(found.half, addresses), domain.reader_of(found.half, addresses)
    await mailing.tell(
        work,
        CredentialUndeliveredMail,
        mailing.to(found.contact_id, reader),
        await organizations.one(work.connection, found.organization_id),
        bound="refused_beyond",
        once=f"credential_undelivered:{found.delivery_id}",
        other_name=f"{missed.given_name} {missed.family_name}",
        service=addresses.service,
        half=found.half,
    )
