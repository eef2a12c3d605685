"""The use case of a report: what it says of one mail takes effect, once, in one transaction."""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import assert_never
from uuid import UUID

from chassis.outcomes import Poison
from chassis.work import Work
from contracts.notifications import MailBounced
from services.notifications import metrics
from services.notifications.bounces import storage
from services.notifications.bounces.reports import Complained, Failed
from services.notifications.bounces.storage import ReportedMail
from services.notifications.mails import storage as mails
from services.notifications.mails.domain import PRIORITY_NAMES, Standing, State
from services.notifications.suppressions import handlers as suppressions
from services.notifications.suppressions.domain import Failure
from services.notifications.suppressions.handlers import Complaint
from services.notifications.tools import Tools

# A report may overtake the sender's own record, and the first copy of a mail may fail while a second one waits.
MAY_STILL_BOUNCE = frozenset({State.ACCEPTED, State.DEFERRED, State.SENT})


class Effect(StrEnum):
    """What a report did."""

    APPLIED = "applied"
    REPEATED = "repeated"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class TakeReport:
    """A report about one mail, whose envelope sender proved which."""

    delivery_id: UUID
    finding: Failed | Complained


async def take_report(work: Work[Tools], report: TakeReport) -> Effect:
    """A failed mail has bounced, and its address may come onto the suppression list; a complaint stops its kind."""
    held = await storage.hold(work.connection, report.delivery_id)
    if held is None:
        return Effect.UNKNOWN
    mail = _with_digest(work, held)
    match report.finding:
        case Failed(status):
            if mail.standing.state is State.BOUNCED:
                return Effect.REPEATED
            await _bounce(work, mail, status)
        case Complained():
            if mail.address_digest is not None:
                complaint = Complaint(mail.delivery_id, mail.recipient_id, mail.address_digest, mail.kind)
                await suppressions.take_complaint(work, complaint)
        case _:
            assert_never(report.finding)
    return Effect.APPLIED


async def _bounce(work: Work[Tools], mail: ReportedMail, status: str) -> None:
    if mail.standing.state in MAY_STILL_BOUNCE:
        standing = Standing(State.BOUNCED, work.now, None, mail.standing.attempts, status)
        await mails.settle(work.connection, {mail.delivery_id: standing}, {mail.delivery_id: mail.address_digest})
        work.publish(MailBounced(delivery_id=mail.delivery_id, status=status))
        work.afterwards(metrics.OUTCOMES.labels(mail.kind, PRIORITY_NAMES[mail.priority], "bounced").inc)
    if mail.address_digest is not None:
        failure = Failure(mail.delivery_id, mail.recipient_id, mail.address_digest, status)
        await suppressions.weigh_failure(work, failure)


def _with_digest(work: Work[Tools], mail: ReportedMail) -> ReportedMail:
    """The mail with its address's digest, also where the sender, which opens the seal, has not recorded it yet."""
    if mail.address_digest is not None or mail.sealed is None:
        return mail
    try:
        contents = work.tools.sealer.open(mail.sealed, work.tools.composer.contents(mail.kind))
    except Poison:
        return mail
    return replace(mail, address_digest=work.tools.suppressions.digest(contents.address))
