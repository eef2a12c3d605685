"""Looking at a mandate: for its two sides, those who manage the organization, and agents, whose look is audited."""

from dataclasses import dataclass
from uuid import UUID

from chassis.outcomes import Refusal
from chassis.work import Work
from services.authorizations.access.domain import Acting, AsAccount, AsAgent
from services.authorizations.mandates import storage
from services.authorizations.mandates.domain import Mandate, Reader
from services.authorizations.requests import storage as requests
from services.authorizations.requests import telling
from services.authorizations.requests.domain import Request
from services.authorizations.tools import Tools


@dataclass(frozen=True)
class OpenMandate:
    """A look at a mandate."""

    looker: Acting | AsAccount | AsAgent
    mandate_id: UUID


@dataclass(frozen=True)
class OpenedMandate:
    """A mandate, its request, and as whom who looks stands to it."""

    request: Request
    mandate: Mandate
    reader: Reader


async def open_mandate(work: Work[Tools], command: OpenMandate) -> OpenedMandate | Refusal:
    """For those whom it concerns; what others name does not exist."""
    request = await requests.get(work.connection, command.mandate_id)
    mandate = await storage.get(work.connection, command.mandate_id)
    looker = command.looker
    if isinstance(looker, Acting):
        work.concerning = looker.organization_id
    if request is None or mandate is None:
        return Refusal("not_found")
    manages = isinstance(looker, Acting) and work.tools.manages(looker)
    reader = mandate.read_by(looker, request, manages=manages)
    if reader is None:
        return Refusal("not_found")
    if reader == "agent":
        telling.audit(work, "request_viewed", request, by_others=True)
    return OpenedMandate(request, mandate, reader)
