"""Entering a mandate from paper, and confirming the addresses that stand on it."""

from dataclasses import dataclass, field, replace
from datetime import date
from uuid import UUID

from chassis.outcomes import Refusal
from chassis.work import Work
from contracts.agency.mandates import MandateSide
from contracts.events import Language
from services.authorizations.access.domain import AsAgent
from services.authorizations.access.handlers import permitted
from services.authorizations.attachments.handlers import attach, refuse_document
from services.authorizations.bindings import storage as bindings
from services.authorizations.contacts import storage as contacts
from services.authorizations.mandate_addresses.handlers import accept_address
from services.authorizations.mandates import completing, eligibility, mails, submitting
from services.authorizations.mandates.eligibility import Mandating, Wanted
from services.authorizations.mandates.locking import locked
from services.authorizations.mandates.submitting import Maker
from services.authorizations.mandates.text import read_text
from services.authorizations.organizations import storage as organizations
from services.authorizations.paper import domain
from services.authorizations.personal import storage as personal_fields
from services.authorizations.personal.domain import Personal
from services.authorizations.relations import storage as relations
from services.authorizations.request_tokens.handlers import led_side
from services.authorizations.signatures import handlers as signatures
from services.authorizations.signatures.domain import Contents, Shown, text_digest
from services.authorizations.signatures.handlers import Sign
from services.authorizations.tools import Tools

BOTH: tuple[MandateSide, ...] = ("professional", "delegate")


@dataclass(frozen=True)
class EnterPaper:
    """What stands on a paper, and its scan: by a professional, for one delegate and one service."""

    organization_id: UUID
    professional_id: UUID
    professional_email: str = field(repr=False)
    wanted: Wanted = field(repr=False)
    attachment_id: UUID
    received_on: date
    language: Language


@dataclass(frozen=True)
class ConfirmAddress:
    """Whoever reads at an address that stands on a paper says that it is theirs."""

    request_id: UUID
    token: str = field(repr=False)


async def enter_paper(work: Work[Tools], command: EnterPaper) -> UUID | Refusal:
    """Make a mandate that both have signed by hand, and write to both addresses. Returns its id.

    It waits until both are confirmed; then it stands in the queue by the day on which the paper was received.
    """
    if work.tools.agency.mandates is None:
        return Refusal("not_offered")
    organization_id = command.organization_id
    if refusal := await permitted(work, AsAgent(), organization_id):
        return refusal
    await organizations.lock(work.connection, [organization_id])
    work.take_time()
    by = await _maker(work, command)
    if by is None:
        return Refusal("not_found", fields=("professional_id",))
    asked = eligibility.asked(work.tools.agency, by.mandating, command.wanted, None, work.today, command.language)
    if isinstance(asked, Refusal):
        return asked
    asked = asked.model_copy(update={"origin": "paper", "received_on": command.received_on})
    refusal = (
        domain.refuse_receipt(command.received_on, work.today)
        or await submitting.refuse_standing(work, by, asked, command.wanted.delegate)
        or await refuse_document(work, command.attachment_id, organization_id)
    )
    if refusal is not None:
        return refusal
    request_id = await submitting.make(work, by, asked, command.wanted, None)
    await attach(work, request_id, [command.attachment_id])
    await _sign_both(work, request_id, command)
    work.audit("paper_mandate_entered", organization_id=organization_id, object_id=request_id,
               attachment_id=str(command.attachment_id), received_on=command.received_on.isoformat())  # fmt: skip
    return request_id


async def confirm_address(work: Work[Tools], command: ConfirmAddress) -> UUID | Refusal:
    """The address to which the token was sent is verified. Again, it changes nothing. Returns the mandate's id."""
    if await led_side(work, command.request_id, command.token) is None:
        return Refusal("mandate_link_over")
    found = await locked(work, command.request_id)
    side = await led_side(work, command.request_id, command.token)  # as it leads by now
    if found is None or side is None:
        return Refusal("mandate_link_over")
    request, mandate = found
    work.concerning = request.organization_id
    signer = mandate.sides[side]
    if signer.address_state == "verified":
        return request.request_id
    person = (await personal_fields.descriptions(work.connection, [signer.side_id])).get(signer.side_id)
    if request.state_on(work.today) != "signing" or signer.address_state != "none" or not (person and person.email):
        return Refusal("mandate_not_signable")
    return await accept_address(work, request, mandate, side, person.email) or request.request_id


async def _maker(work: Work[Tools], command: EnterPaper) -> Maker | None:
    """The professional whom the paper names, by what they are in the organization on this day, linked or not."""
    contact = await contacts.get_present(work.connection, command.professional_id)
    if contact is None or contact.organization_id != command.organization_id:
        return None
    held = await relations.memberships_of(work.connection, contact.contact_id)
    functions = frozenset(one.type for one in held if one.in_force(work.now, work.today))
    kind = (await organizations.one(work.connection, command.organization_id)).kind
    personal = Personal(contact.family_name, contact.given_name, command.professional_email, [], contact.language)
    account_id = await bindings.account_of(work.connection, contact.contact_id)
    return Maker(account_id, contact, Mandating(functions, kind, personal))


async def _sign_both(work: Work[Tools], request_id: UUID, command: EnterPaper) -> None:
    """Keep what the hands on the paper signed, in the words of its text, and ask both to confirm their address."""
    found = await locked(work, request_id)
    assert found is not None and work.tools.agency.mandates is not None
    request, mandate = found
    given: dict[MandateSide, str | None] = {
        "professional": command.professional_email, "delegate": command.wanted.delegate.email
    }  # fmt: skip
    for side in BOTH:
        signer, language = mandate.sides[side], mandate.language_of(side)
        text = await read_text(work, request, mandate, side)
        person = (await personal_fields.descriptions(work.connection, [signer.side_id]))[signer.side_id]
        agency = work.tools.agency
        statements = [agency.attestations[code] for code in work.tools.agency.mandates.attestations.of(side)]
        contents = Contents(
            text=text,
            digest=text_digest(text),
            attestations=tuple(Shown(code=a.code, version=a.version, text=a.text.in_(language)) for a in statements),
            name=f"{person.given_name} {person.family_name}",
            email=given[side],
            network_address=None,
            verified_at=work.now,
        )
        await signatures.sign(
            work,
            Sign(
                request_id=request_id, organization_id=command.organization_id, text_version=mandate.text_version,
                side=side, owner_id=signer.side_id, account_id=signer.account_id, contact_id=signer.contact_id,
                method="paper", language=language, contents=contents,
            ),
        )  # fmt: skip
        await completing.signed(work, request, mandate, side)
        await personal_fields.describe(work.connection, signer.side_id, replace(person, email=given[side]))
        email = given[side]
        assert email is not None  # the form has both
        await mails.ask_to_confirm(work, request, mandate, side, email)
