"""The use cases of the list: an address comes onto it, is shown, is released."""

from dataclasses import dataclass, field
from uuid import UUID

from chassis import pages
from chassis.outcomes import Refusal
from chassis.pages import Page
from chassis.work import Work
from contracts.notifications import SuppressionReason
from services.notifications import metrics
from services.notifications.suppressions import domain, storage
from services.notifications.suppressions.domain import Failure, Suppression, Weight
from services.notifications.tools import Tools


async def weigh_failure(work: Work[Tools], failure: Failure) -> None:
    """Put the address of a bounced mail on the list when that failure, or the last few together, say it is dead.

    The mail already stands as bounced, so that it counts among the failures.
    """
    match domain.weigh(failure.status):
        case Weight.CONCLUSIVE:
            await _suppress(work, failure, "no_such_address")
        case Weight.COUNTED:
            since = work.now - domain.SOFT_WINDOW
            found = await storage.failures(work.connection, failure.address_digest, since, work.origin.time_zone)
            if domain.exhausted(found):
                await _suppress(work, failure, "repeated_failures")
        case Weight.NONE:
            pass


@dataclass(frozen=True)
class Complaint:
    """A mail that was called unwanted where it went."""

    delivery_id: UUID
    recipient_id: UUID
    address_digest: bytes
    kind: str


async def take_complaint(work: Work[Tools], complaint: Complaint) -> None:
    """No more mails of that kind go there; what else we have to say does, because nobody complained about that."""
    await storage.end_overdue(work.connection, complaint.address_digest, complaint.kind, work.now)
    suppression = Suppression(
        work.new_id(),
        complaint.address_digest,
        "complaint",
        None,
        complaint.delivery_id,
        complaint.recipient_id,
        work.now,
        complaint.kind,
        domain.complaint_ends(complaint.kind, work.now),
    )
    await _put(work, suppression)


@dataclass(frozen=True)
class Listed:
    """A page of the list; only those of a recipient, or of an address."""

    recipient_id: UUID | None
    address: str | None = field(repr=False)
    cursor: str | None
    limit: int


async def list_suppressed(work: Work[Tools], asked: Listed) -> Page | Refusal:
    """Show an agent the list."""
    by_address = asked.address is not None
    work.audit("suppressions_viewed", object_id=asked.recipient_id, by_address=by_address)
    digests = None if asked.address is None else work.tools.suppressions.digests(asked.address)
    listing = storage.listed(asked.recipient_id, digests, work.now)
    return await pages.fetch(work.connection, listing, asked.cursor, asked.limit)


@dataclass(frozen=True)
class Release:
    """Write to an address again; `reason` is a code."""

    suppression_id: UUID
    reason: str


async def release(work: Work[Tools], command: Release) -> Refusal | None:
    """Take an address off the list, because an agent vouches for it."""
    released = await storage.release(work.connection, command.suppression_id, work.now)
    if released is None:
        return Refusal("not_found")
    delivery_id, recipient_id = released
    work.audit(
        "address_released",
        object_id=command.suppression_id,
        reason=command.reason,
        delivery_id=str(delivery_id),
        recipient_id=str(recipient_id),
    )
    return None


async def _suppress(work: Work[Tools], failure: Failure, reason: SuppressionReason) -> None:
    suppression = Suppression(
        work.new_id(),
        failure.address_digest,
        reason,
        failure.status,
        failure.delivery_id,
        failure.recipient_id,
        work.now,
    )
    await _put(work, suppression)


async def _put(work: Work[Tools], suppression: Suppression) -> None:
    if not await storage.insert(work.connection, suppression):
        return
    work.audit(
        "address_suppressed",
        object_id=suppression.suppression_id,
        reason=suppression.reason,
        scope=suppression.scope,
        status=suppression.status,
        delivery_id=str(suppression.delivery_id),
        recipient_id=str(suppression.recipient_id),
    )
    metrics.SUPPRESSED.labels(suppression.reason).inc()
