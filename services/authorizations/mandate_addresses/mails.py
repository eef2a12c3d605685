"""Asking for another address on the other known channel, never at the one that was refused."""

from datetime import datetime, time, timedelta

from chassis.work import Work
from contracts.agency.mandates import MandateAddresses, MandateSide
from contracts.notifications import AddressNeededMail, DelegateAddressNeededMail
from services.authorizations import mailing
from services.authorizations.addresses import domain as addresses
from services.authorizations.mandates.domain import AskedMandate, Mandate
from services.authorizations.organizations import storage as organizations
from services.authorizations.personal.domain import Personal
from services.authorizations.personal.storage import descriptions
from services.authorizations.request_tokens import handlers as request_tokens
from services.authorizations.requests.domain import Request
from services.authorizations.tools import Tools


async def ask(work: Work[Tools], request: Request, mandate: Mandate, side: MandateSide) -> None:
    """Ask a side for another address.

    The professional at the account's address; the delegate where the professional had the mail to sign sent. Where that
    is no channel of the delegate's own, the professional is asked to ask: a mail with the delegate's token goes to
    nobody else.
    """
    assert request.organization_id is not None and work.tools.agency.mandates is not None
    rules = work.tools.agency.mandates.addresses
    professional, delegate = mandate.professional, mandate.delegate
    owners = [professional.account_id, professional.contact_id, delegate.side_id, request.request_id]
    persons = await descriptions(work.connection, [owner for owner in owners if owner is not None])
    account = persons.get(professional.account_id) if professional.account_id else None
    own = account or (persons.get(professional.contact_id) if professional.contact_id else None)
    invited = persons.get(request.request_id)
    organization = await organizations.one(work.connection, request.organization_id)
    over = datetime.combine(request.lapses_on + timedelta(days=1), time(), work.tools.time_zone)
    signer = mandate.sides[side]
    once = f"address_needed:{signer.side_id}:{int(work.now.timestamp())}"
    service = AskedMandate.model_validate(request.asked).subject
    if side == "delegate" and not _is_a_channel(rules, invited, persons.get(delegate.side_id)):
        if own is not None and invited is not None:
            await mailing.tell(
                work, DelegateAddressNeededMail, mailing.to(professional.side_id, own), organization, bound="warnings",
                once=once, keeps=over - work.now, service=service, lapses_on=request.lapses_on,
                delegate_name=f"{invited.given_name} {invited.family_name}",
            )  # fmt: skip
        return
    reader = own if side == "professional" else invited
    if reader is None or reader.email is None:
        return
    token = await request_tokens.draw(work, request.request_id, side)
    await mailing.tell(
        work, AddressNeededMail, mailing.to(signer.side_id, reader), organization, bound="warnings",
        once=once, keeps=over - work.now, token=token, service=service, lapses_on=request.lapses_on,
    )  # fmt: skip


def _is_a_channel(rules: MandateAddresses, invited: Personal | None, given: Personal | None) -> bool:
    """Whether the address that the professional gave reaches the delegate alone, as far as anybody knows."""
    if invited is None or invited.email is None or addresses.is_of_a_function(rules, invited.email):
        return False
    refused = given.email if given is not None else None
    return refused is None or not addresses.same_mailbox(rules, invited.email, refused)
