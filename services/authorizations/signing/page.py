"""What the page shows to which a mail's token leads: the mandate as its reader signs it. Looking consumes nothing."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from chassis.outcomes import Refusal
from chassis.work import Work
from contracts.agency.forms import Attestation
from contracts.agency.mandates import MandateSide
from services.authorizations.mandates import storage
from services.authorizations.mandates.domain import AskedMandate, Mandate
from services.authorizations.mandates.text import read_text
from services.authorizations.organizations import storage as organizations
from services.authorizations.organizations.storage import OrganizationRow
from services.authorizations.personal.domain import PersonName
from services.authorizations.personal.storage import person_names
from services.authorizations.request_tokens.handlers import led_side
from services.authorizations.requests import storage as requests
from services.authorizations.requests.domain import Request
from services.authorizations.signatures.domain import text_digest
from services.authorizations.tools import Tools


@dataclass(frozen=True)
class OpenPage:
    """Somebody follows a mail's link."""

    request_id: UUID
    token: str = field(repr=False)


@dataclass(frozen=True)
class Page:
    """A mandate as one side of it reads it."""

    request: Request
    mandate: Mandate
    asked: AskedMandate
    side: MandateSide
    organization: OrganizationRow
    professional: PersonName | None
    delegate: PersonName | None
    text: str = field(repr=False)
    digest: str
    attestations: Sequence[Attestation]


async def open_page(work: Work[Tools], command: OpenPage) -> Page | Refusal:
    """For whoever has the token. Nothing is written, and no name of an organization's other people shows."""
    side = await led_side(work, command.request_id, command.token)
    request = await requests.get(work.connection, command.request_id) if side is not None else None
    mandate = await storage.get(work.connection, command.request_id) if side is not None else None
    if side is None or request is None or mandate is None or request.organization_id is None:
        return Refusal("mandate_link_over")
    if request.state_on(work.today) not in ("signing", "submitted", "returned"):
        return Refusal("mandate_link_over")
    text = await read_text(work, request, mandate, side)
    names = await person_names(work.connection, [mandate.professional.side_id, request.request_id])
    agency = work.tools.agency
    assert agency.mandates is not None
    return Page(
        request=request,
        mandate=mandate,
        asked=AskedMandate.model_validate(request.asked),
        side=side,
        organization=await organizations.one(work.connection, request.organization_id),
        professional=names.get(mandate.professional.side_id),
        delegate=names.get(request.request_id),
        text=text,
        digest=text_digest(text),
        attestations=[agency.attestations[code] for code in agency.mandates.attestations.of(side)],
    )
