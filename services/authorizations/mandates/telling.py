"""What both sides of a mandate are told by mail: that agents have it, how it ended, that a signature is missing."""

from dataclasses import replace

from chassis.work import Work
from contracts.agency.mandates import MandateSide
from contracts.notifications import MandateChange, MandateChangedMail
from services.authorizations import mailing
from services.authorizations.mandates import mails, storage
from services.authorizations.mandates.domain import AskedMandate, Mandate
from services.authorizations.mandates.on_file import differs, on_file
from services.authorizations.organizations import storage as organizations
from services.authorizations.personal.domain import Personal
from services.authorizations.personal.storage import descriptions
from services.authorizations.request_tokens import storage as request_tokens
from services.authorizations.requests.domain import Request, Told
from services.authorizations.tools import Tools


async def tell_received(work: Work[Tools], request: Request, mandate: Mandate) -> None:
    """Both sides: nothing is missing, and agents have it."""
    await _tell(work, request, mandate, "receive", None)


async def tell_revoked(work: Work[Tools], request: Request, mandate: Mandate) -> None:
    """Both sides: what it gave has ended."""
    await _tell(work, request, mandate, "revoke", None)


async def tell(work: Work[Tools], request: Request, outcome: Told, reason: str | None) -> None:
    """Both sides: how it ended, or that it came back. To what has ended no mail leads any more."""
    mandate = await storage.get(work.connection, request.request_id)
    if outcome != "return":
        await request_tokens.forget(work.connection, request.request_id)
    if mandate is not None and outcome != "merge":
        await _tell(work, request, mandate, outcome, reason)


async def remind(work: Work[Tools], request: Request, days: int) -> None:
    """Whoever has not signed yet, so many days before the last one to sign; the professional, whoever it is."""
    mandate = await storage.get(work.connection, request.request_id)
    if mandate is None or request.state != "signing":
        return
    if AskedMandate.model_validate(request.asked).origin == "paper":
        await mails.ask_again_to_confirm(work, request, mandate, days)
        return
    if mandate.has_signed("professional") and not mandate.has_signed("delegate"):
        await mails.ask_delegate(work, request, mandate, days)
    await mails.remind_professional(work, request, mandate, days)


async def _tell(
    work: Work[Tools],
    request: Request,
    mandate: Mandate,
    change: MandateChange,
    reason: str | None,
) -> None:
    """Tell each side that knows of the mandate: the delegate, from when the professional has signed.

    The professional is told at the account's address, or the file's, too: a forged paper, or whoever has got hold of
    the account, gives an address of another.
    """
    assert request.organization_id is not None
    organization = await organizations.one(work.connection, request.organization_id)
    readers = await _readers(work, request, mandate)
    told = [(str(side), mailing.to(mandate.sides[side].side_id, reader)) for side, reader in readers.items()
            if side != "delegate" or mandate.professional.signed_version is not None]  # fmt: skip
    known, given = await on_file(work.connection, mandate), readers.get("professional")
    if known is not None and given is not None and differs(work.tools.agency, given.email, known.email):
        told.append(("professional_on_file", mailing.to(known.contact_id, known)))
    names = {side: f"{reader.given_name} {reader.family_name}".strip() for side, reader in readers.items()}
    for whom, reader in told:
        await mailing.tell(
            work, MandateChangedMail, reader, organization, bound="refused_beyond",
            once=f"mandate_{change}:{request.request_id}:{mandate.text_version}:{request.version}:{whom}",
            professional_name=names.get("professional", ""), delegate_name=names.get("delegate", ""),
            service=AskedMandate.model_validate(request.asked).subject, mandate_change=change,
            decision_reason=reason or "",
        )  # fmt: skip


async def _readers(work: Work[Tools], request: Request, mandate: Mandate) -> dict[MandateSide, Personal]:
    """Where each side is written to: the address that it verified, else the one that is known of it."""
    own = {side: signer.side_id for side, signer in mandate.sides.items()}
    persons = await descriptions(work.connection, [request.request_id, *own.values()])
    contact = await on_file(work.connection, mandate)
    described = persons.get(request.request_id)
    known: dict[MandateSide, str | None] = {
        "professional": contact.email if contact else None,
        "delegate": described.email if described else None,
    }
    return {
        side: replace(person, email=person.email or known[side])
        for side, owner in own.items()
        if (person := persons.get(owner)) is not None
    }
