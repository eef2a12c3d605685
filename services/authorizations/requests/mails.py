"""The mails that tell of requests: to those who have to decide, and to both sides when one has ended or came back."""

from typing import Any

from chassis.work import Work
from contracts.notifications import Contents, RequestDecidedMail, RequestReceivedMail
from services.authorizations import mailing
from services.authorizations.contacts.domain import ContactFile
from services.authorizations.organizations.storage import OrganizationRow
from services.authorizations.requests.domain import Request, Told
from services.authorizations.tools import Tools


def received(
    work: Work[Tools],
    request: Request,
    reader: ContactFile,
    organization: OrganizationRow,
    concerning: str,
    reminder: int | None,
) -> None:
    """Ask one of those who decide, or once more so many days before the last one."""
    again = "" if reminder is None else f":{reminder}"
    if reader.email is not None:
        work.publish(
            RequestReceivedMail(
                **_mail(work, f"request_received:{request.request_id}:{request.version}{again}", reader, organization),
                request_kind=request.kind,
                concerning=concerning,
                lapses_on=request.lapses_on,
            )
        )


def decided(
    work: Work[Tools],
    request: Request,
    outcome: Told,
    reason: str | None,
    reader: ContactFile,
    organization: OrganizationRow,
    concerning: str,
) -> None:
    """Tell one person of one side how it ended, or that it came back."""
    if reader.email is not None:
        work.publish(
            RequestDecidedMail(
                **_mail(work, f"request_decided:{request.request_id}:{request.version}", reader, organization),
                request_kind=request.kind,
                outcome=outcome,
                concerning=concerning,
                decision_reason=reason or "",
            )
        )


def _mail(work: Work[Tools], purpose: str, reader: ContactFile, organization: OrganizationRow) -> dict[str, Any]:
    assert reader.email is not None
    contents = Contents(address=reader.email, given_name=reader.given_name)
    once = f"{purpose}:{reader.contact_id}"
    return mailing.envelope(work, reader.contact_id, reader, contents, organization, once=once)
