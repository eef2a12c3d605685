"""The mails that tell of requests: to those who have to decide, and to both sides when one has ended or came back."""

from chassis.work import Work
from contracts.notifications import RequestDecidedMail, RequestReceivedMail
from services.authorizations import mailing
from services.authorizations.contacts.domain import ContactFile
from services.authorizations.mailing.budgets import Bound
from services.authorizations.organizations.storage import OrganizationRow
from services.authorizations.requests.domain import Request, Told
from services.authorizations.tools import Tools


async def received(
    work: Work[Tools],
    request: Request,
    reader: ContactFile,
    organization: OrganizationRow,
    concerning: str,
    reminder: int | None,
) -> None:
    """Ask one of those who decide, or once more so many days before the last one."""
    again = "" if reminder is None else f":{reminder}"
    await mailing.tell(
        work, RequestReceivedMail, mailing.to(reader.contact_id, reader), organization, bound=_bound(request, None),
        once=f"request_received:{request.request_id}:{request.version}{again}:{reader.contact_id}",
        request_kind=request.kind, concerning=concerning, lapses_on=request.lapses_on,
    )  # fmt: skip


async def decided(
    work: Work[Tools],
    request: Request,
    outcome: Told,
    reason: str | None,
    reader: ContactFile,
    organization: OrganizationRow,
    concerning: str,
) -> None:
    """Tell one person of one side how it ended, or that it came back."""
    await mailing.tell(
        work, RequestDecidedMail, mailing.to(reader.contact_id, reader), organization, bound=_bound(request, outcome),
        once=f"request_decided:{request.request_id}:{request.version}:{reader.contact_id}",
        request_kind=request.kind, outcome=outcome, concerning=concerning, decision_reason=reason or "",
    )  # fmt: skip


def _bound(request: Request, outcome: Told | None) -> Bound:
    """Whoever claims may take it back and claim again; what organizations ask of each other is counted by the pair."""
    if request.asked_by_account_id is None:
        return "refused_beyond"
    return "managers" if outcome in ("approve", "merge", "reject") else "strangers"
