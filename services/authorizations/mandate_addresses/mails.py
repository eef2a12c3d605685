"""Asking for another address on the other known channel, never at the one that was refused."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from chassis.work import Work
from contracts.agency.mandates import MandateSide
from contracts.notifications import AddressNeededMail, DelegateAddressNeededMail, OwnAddressNeededMail
from services.authorizations import mailing
from services.authorizations.addresses import domain as addresses
from services.authorizations.mandates.domain import AskedMandate, Mandate
from services.authorizations.organizations import storage as organizations
from services.authorizations.personal.domain import Personal
from services.authorizations.personal.storage import descriptions
from services.authorizations.request_tokens import handlers as request_tokens
from services.authorizations.requests.domain import Request
from services.authorizations.tools import Tools


@dataclass(frozen=True)
class Known:
    """Where a side is known to read, the best first; `professional` is where the professional is written to."""

    channels: Sequence[Personal]
    professional: Personal | None
    described: Personal | None


async def known_of(work: Work[Tools], request: Request, mandate: Mandate, side: MandateSide) -> Known:
    """The professional's account and file, or where the professional had the delegate written to, but never the mailbox
    that the side gave.

    A paper, or an agent's judgement, leaves that with the side; what rules refuse, rules refuse again.
    """
    assert work.tools.agency.mandates is not None
    rules = work.tools.agency.mandates.addresses
    professional, signer = mandate.professional, mandate.sides[side]
    owners = [professional.account_id, professional.contact_id, signer.side_id, request.request_id]
    persons = await descriptions(work.connection, [owner for owner in owners if owner is not None])
    own = [persons[owner] for owner in (professional.account_id, professional.contact_id) if owner in persons]
    described, given = persons.get(request.request_id), persons.get(signer.side_id)
    refused = given.email if given is not None else None
    channels = own if side == "professional" else [described] if described is not None else []
    others = [
        channel
        for channel in channels
        if channel.email is not None and not (refused and addresses.same_mailbox(rules, channel.email, refused))
    ]
    return Known(others, next((person for person in own if person.email is not None), None), described)


async def ask(
    work: Work[Tools], request: Request, mandate: Mandate, side: MandateSide, known: Known, channel: Personal | None
) -> None:
    """Ask a side for another address at a channel that is its alone, by a mail whose token leads to the page.

    Without one the professional is asked in a mail without any token: to sign in and give another, or to ask the
    delegate to. A token that is read by others would let them have the half of a credential that is the side's.
    """
    assert request.organization_id is not None
    organization = await organizations.one(work.connection, request.organization_id)
    over = datetime.combine(request.lapses_on + timedelta(days=1), time(), work.tools.time_zone)
    signer = mandate.sides[side]
    once = f"address_needed:{signer.side_id}:{int(work.now.timestamp())}"
    service = AskedMandate.model_validate(request.asked).subject
    if channel is not None:
        token = await request_tokens.draw(work, request.request_id, side)
        await mailing.tell(
            work, AddressNeededMail, mailing.to(signer.side_id, channel), organization, bound="warnings",
            once=once, keeps=over - work.now, token=token, service=service, lapses_on=request.lapses_on,
        )  # fmt: skip
        return
    if known.professional is None:
        return
    reader = mailing.to(mandate.professional.side_id, known.professional)
    if side == "professional":
        await mailing.tell(
            work, OwnAddressNeededMail, reader, organization, bound="warnings",
            once=once, keeps=over - work.now, service=service, lapses_on=request.lapses_on,
        )  # fmt: skip
    elif known.described is not None:
        await mailing.tell(
            work, DelegateAddressNeededMail, reader, organization, bound="warnings",
            once=once, keeps=over - work.now, service=service, lapses_on=request.lapses_on,
            delegate_name=f"{known.described.given_name} {known.described.family_name}",
        )  # fmt: skip
