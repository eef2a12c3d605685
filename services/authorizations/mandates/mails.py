"""The mails that ask a side of a mandate for what is missing of it."""

from datetime import datetime, time, timedelta
from uuid import UUID

from chassis.work import Work
from contracts.agency.mandates import MandateSide
from contracts.notifications import MandateAddressMail, MandateToSignMail, MandateUnsignedMail
from services.authorizations import mailing
from services.authorizations.contacts import storage as contacts
from services.authorizations.mailing.budgets import Bound
from services.authorizations.mandates.domain import AskedMandate, Mandate
from services.authorizations.organizations import storage as organizations
from services.authorizations.personal.domain import PersonName
from services.authorizations.personal.storage import descriptions, person_names
from services.authorizations.request_tokens import handlers as request_tokens
from services.authorizations.requests.domain import Request
from services.authorizations.tools import Tools


async def ask_delegate(work: Work[Tools], request: Request, mandate: Mandate, reminder: int | None = None) -> None:
    """To the address that the professional gave: a page where the delegate reads, attests and signs.

    Each mail has a token of its own, and the newest leads there. It was counted when the mandate was asked for.
    """
    person = (await descriptions(work.connection, [request.request_id])).get(request.request_id)
    if person is None or person.email is None or request.organization_id is None:
        return
    token = await request_tokens.draw(work, request.request_id, "delegate")
    await mailing.tell(
        work, MandateToSignMail, mailing.to(request.request_id, person),
        await organizations.one(work.connection, request.organization_id), bound="refused_beyond",
        once=f"mandate_to_sign:{request.request_id}:{mandate.text_version}:{reminder or ''}",
        keeps=_over(work, request) - work.now, token=token, service=AskedMandate.model_validate(request.asked).subject,
        professional_name=await _name(work, mandate.professional.side_id), lapses_on=request.lapses_on,
    )  # fmt: skip


async def remind_professional(work: Work[Tools], request: Request, mandate: Mandate, reminder: int) -> None:
    """To the professional's own address: the mandate is not signed by both, and lapses."""
    contact_id = mandate.professional.contact_id
    professional = await contacts.get(work.connection, contact_id) if contact_id is not None else None
    if professional is None or request.organization_id is None:
        return
    await mailing.tell(
        work, MandateUnsignedMail, mailing.to(professional.contact_id, professional),
        await organizations.one(work.connection, request.organization_id), bound="own_doing",
        once=f"mandate_unsigned:{request.request_id}:{mandate.text_version}:{reminder}",
        service=AskedMandate.model_validate(request.asked).subject,
        delegate_name=await _name(work, request.request_id), lapses_on=request.lapses_on,
    )  # fmt: skip


async def ask_to_confirm(
    work: Work[Tools], request: Request, mandate: Mandate, side: MandateSide, email: str, reminder: int | None = None
) -> None:
    """To an address that stands on a paper: whoever reads there confirms that it is theirs, and for what."""
    signer = mandate.sides[side]
    person = (await descriptions(work.connection, [signer.side_id])).get(signer.side_id)
    if person is None or request.organization_id is None:
        return
    token = await request_tokens.draw(work, request.request_id, side)
    bound: Bound = "agents" if reminder is None else "daily"
    reader = mailing.To(signer.side_id, email, person.given_name, mandate.language_of(side), None)
    await mailing.tell(
        work, MandateAddressMail, reader, await organizations.one(work.connection, request.organization_id),
        bound=bound, once=f"mandate_address:{request.request_id}:{side}:{mandate.text_version}:{reminder or ''}",
        keeps=_over(work, request) - work.now, token=token, service=AskedMandate.model_validate(request.asked).subject,
        lapses_on=request.lapses_on,
    )  # fmt: skip


async def ask_again_to_confirm(work: Work[Tools], request: Request, mandate: Mandate, reminder: int) -> None:
    """Each side whose address stands on the paper and was not confirmed yet."""
    persons = await descriptions(work.connection, [signer.side_id for signer in mandate.sides.values()])
    for side, signer in mandate.sides.items():
        person = persons.get(signer.side_id)
        if signer.address_state == "none" and person is not None and person.email is not None:
            await ask_to_confirm(work, request, mandate, side, person.email, reminder)


def _over(work: Work[Tools], request: Request) -> datetime:
    return datetime.combine(request.lapses_on + timedelta(days=1), time(), work.tools.time_zone)


async def _name(work: Work[Tools], owner_id: UUID) -> str:
    person = (await person_names(work.connection, [owner_id])).get(owner_id, PersonName(None, None))
    return " ".join(name for name in (person.given_name, person.family_name) if name)
