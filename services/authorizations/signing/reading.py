"""Reading what was signed of a mandate, and whether it is still that."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from chassis.outcomes import Refusal
from chassis.work import Work
from contracts.agency.mandates import MandateSide
from services.authorizations.access.domain import Acting, AsAccount, AsAgent
from services.authorizations.mandates import storage
from services.authorizations.mandates.domain import Mandate
from services.authorizations.mandates.text import read_text
from services.authorizations.organizations import storage as organizations
from services.authorizations.organizations.storage import OrganizationRow
from services.authorizations.request_tokens.handlers import led_side
from services.authorizations.requests import storage as requests
from services.authorizations.requests import telling
from services.authorizations.requests.domain import Request
from services.authorizations.signatures import handlers as signatures
from services.authorizations.signatures.handlers import ReadSignature
from services.authorizations.signing.document import SideOfDocument
from services.authorizations.tools import Tools

BOTH: tuple[MandateSide, ...] = ("professional", "delegate")


@dataclass(frozen=True)
class ReadDocument:
    """A look at what was signed of a mandate."""

    looker: Acting | AsAccount | AsAgent
    request_id: UUID


@dataclass(frozen=True)
class DocumentByToken:
    """The same by whoever has no account, but a mail's token."""

    request_id: UUID
    token: str = field(repr=False)


@dataclass(frozen=True)
class Document:
    """What was signed. `shown` are the signatures that stand; for agents those that a newer text voided too."""

    request: Request
    mandate: Mandate
    organization: OrganizationRow
    sides: Sequence[SideOfDocument]
    shown: Sequence[ReadSignature]
    intact: bool | None
    is_for_agents: bool


async def read_document(work: Work[Tools], command: ReadDocument) -> Document | Refusal:
    """For those who manage the organization, the delegate, and agents, whose look is audited."""
    looker = command.looker
    if isinstance(looker, Acting):
        work.concerning = looker.organization_id
    request = await requests.get(work.connection, command.request_id)
    mandate = await storage.get(work.connection, command.request_id)
    if request is None or mandate is None:
        return Refusal("not_found")
    manages = isinstance(looker, Acting) and work.tools.manages(looker)
    reader = mandate.read_by(looker, request, manages=manages)
    if reader is None:
        return Refusal("not_found")
    is_agent = reader == "agent"
    if is_agent:
        telling.audit(work, "request_viewed", request, by_others=True)
    return await _document(work, request, mandate, is_for_agents=is_agent)


async def by_token(work: Work[Tools], command: DocumentByToken) -> Document | Refusal:
    """For whoever a mail of the mandate leads to it."""
    side = await led_side(work, command.request_id, command.token)
    request = await requests.get(work.connection, command.request_id) if side is not None else None
    mandate = await storage.get(work.connection, command.request_id) if side is not None else None
    if request is None or mandate is None:
        return Refusal("mandate_link_over")
    return await _document(work, request, mandate, is_for_agents=False)


async def _document(work: Work[Tools], request: Request, mandate: Mandate, *, is_for_agents: bool) -> Document:
    assert request.organization_id is not None
    read = await signatures.read(work.connection, work.tools, request.request_id, work.now)
    standing = {one.signature.side: one for one in read.kept if one.signature.voided_at is None}
    return Document(
        request=request,
        mandate=mandate,
        organization=await organizations.one(work.connection, request.organization_id),
        sides=[
            SideOfDocument(side, await read_text(work, request, mandate, side), standing.get(side)) for side in BOTH
        ],
        shown=read.kept if is_for_agents else list(standing.values()),
        intact=read.intact,
        is_for_agents=is_for_agents,
    )
