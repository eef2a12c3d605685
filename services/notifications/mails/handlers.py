"""The use cases of mails, each in one transaction: one comes in, is taken in hand, ends, is asked about."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from chassis.work import Unit, Work
from contracts.notifications import MailAccepted, MailExpired, MailRequest
from services.notifications import metrics
from services.notifications.mails import domain, storage
from services.notifications.mails.domain import Attempt, Delivery, Mail, Standing
from services.notifications.mails.leases import LEASE, SKEW
from services.notifications.suppressions import handlers as suppressions
from services.notifications.suppressions.domain import Failure
from services.notifications.tools import Tools

AT_ONCE = 500  # mails ended or pruned in one transaction; the rest a moment later
KEPT = timedelta(days=90)  # after its end a mail's row answers questions; a request that comes again later is too late


async def accept(work: Work[Tools], requests: Sequence[MailRequest]) -> None:
    """Keep requests in our own table, so that they will be sent or their end will be told.

    A UUIDv7 is drawn where the code is made, in the same transaction, so the order of delivery ids is the order of the
    codes, in whichever order the requests arrive here.
    """
    purposes = {(request.recipient_id, request.replaces) for request in requests if request.replaces is not None}
    await storage.lock_purposes(work.connection, purposes)
    work.take_time()
    fresh = await storage.insert(work.connection, [_incoming(work, request) for request in requests], work.now)
    await storage.keep_newest(work.connection, purposes)
    if len(fresh) > await _handed_over(work, [request for request in requests if request.delivery_id in fresh]):
        work.ring(work.tools.mails)
    for request in requests:
        if request.delivery_id in fresh:
            fresh.remove(request.delivery_id)  # one request may stand twice in a batch
            work.publish(MailAccepted(delivery_id=request.delivery_id))
            work.afterwards(metrics.OUTCOMES.labels(request.mail, request.priority, "accepted").inc)


async def _handed_over(work: Work[Tools], fresh: Sequence[MailRequest]) -> int:
    """Lease urgent mails to the sender beside us, which begins with them at the commit. Returns how many.

    A commit whose answer is lost leaves a lease that nobody knows of; then the mail waits for its end.
    """
    urgent = {request.delivery_id for request in fresh if request.priority == "urgent"}
    taker = work.tools.handover.taker
    if not urgent or taker is None or not (places := taker.places(len(urgent))):
        return 0
    mails = await storage.claim_these(
        work.connection,
        _looking(work.tools, work.now),
        lease_until=work.now + LEASE,
        mails=sorted(urgent)[:places],
    )
    if mails:
        work.afterwards(taker.take_over(mails))
    return len(mails)


def _incoming(work: Work[Tools], request: MailRequest) -> storage.Incoming:
    return storage.Incoming(
        delivery_id=request.delivery_id,
        deduplication_id=request.deduplication_id,
        handle_digest=handle_digest(request.handle),
        recipient_id=request.recipient_id,
        kind=request.mail,
        language=request.language,
        fields=request.in_clear(),
        sealed=request.sealed,
        priority=domain.PRIORITIES[request.priority],
        replaces=request.replaces,
        expires_at=request.expires_at,
        message_id=work.tools.composer.message_id(request.delivery_id),
        traceparent=request.traceparent,
    )


@dataclass(frozen=True)
class Take:
    """Take due mails in hand, at most so many of each priority; those in `in_hand` are already."""

    room: Mapping[int, int]
    in_hand: frozenset[UUID]


async def take(unit: Unit[Tools], command: Take) -> list[Mail]:
    """Lease due mails to one sender. One statement, so nothing to begin and to commit: two round trips less."""
    now = unit.origin.clock()
    return await storage.claim(
        unit.pool,
        _looking(unit.tools, now),
        lease_until=now + LEASE,
        room=command.room,
        except_for=command.in_hand,
    )


def _looking(tools: Tools, now: datetime) -> storage.Looking:
    return storage.Looking(now, LEASE + SKEW, tools.grace.others_keep_until(now))


@dataclass(frozen=True)
class Renewed:
    """Which mails are still their holder's, and until when."""

    mails: frozenset[UUID]
    lease_until: datetime


async def renew(work: Work[Tools], in_hand: Collection[Mail]) -> Renewed:
    """Keep in hand longer what no other sender has taken."""
    lease_until = work.now + LEASE
    return Renewed(frozenset(await storage.renew(work.connection, in_hand, lease_until)), lease_until)


async def conclude(work: Work[Tools], attempts: Sequence[Attempt]) -> dict[UUID, Standing]:
    """Record what came of attempts. Returns where each mail stands now.

    An attempt whose lease has passed to another sender is left out: what that one records counts.
    """
    held = await storage.hold(work.connection, [attempt.mail for attempt in attempts])
    standings: dict[UUID, Standing] = {}
    for attempt in attempts:
        if (mail := held.get(attempt.mail.delivery_id)) is None:
            continue
        standing = domain.after(
            attempt.outcome,
            mail.standing,
            expires_at=mail.expires_at,
            replaced=mail.replaced,
            now=work.now,
            jitter=work.tools.jitter(),
        )
        standings[mail.delivery_id] = standing
        if (fact := domain.fact(mail.delivery_id, attempt.outcome, standing)) is not None:
            work.publish(fact)
    digests = {attempt.mail.delivery_id: attempt.address_digest for attempt in attempts}
    await storage.settle(work.connection, standings, digests)
    for identity, standing in standings.items():
        if standing.state is domain.State.BOUNCED and (digest := digests[identity]) is not None:
            assert standing.reason is not None
            failure = Failure(identity, held[identity].recipient_id, digest, standing.reason)
            await suppressions.weigh_failure(work, failure)
    return standings


async def end_overdue(work: Work[Tools], _: None) -> int:
    """End the mails whose time has run out or that a newer one replaced. Returns how many."""
    overdue = await storage.hold_overdue(work.connection, _looking(work.tools, work.now), AT_ONCE)
    ends = {mail.delivery_id: domain.expired(mail.standing, work.now, replaced=mail.replaced) for _, _, mail in overdue}
    for kind, priority, mail in overdue:
        work.publish(MailExpired(delivery_id=mail.delivery_id, reason="replaced" if mail.replaced else "expired"))
        ended_as = ends[mail.delivery_id].name
        work.afterwards(metrics.OUTCOMES.labels(kind, domain.PRIORITY_NAMES[priority], ended_as).inc)
    await storage.settle(work.connection, ends)
    return len(ends)


async def prune(work: Work[Tools], _: None) -> int:
    """Delete mails that ended long ago. Returns how many."""
    return await storage.prune(work.connection, work.now - KEPT, AT_ONCE)


async def tell(work: Work[Tools], handle: str) -> Delivery:
    """What everybody but agents learns about the mail of a handle; the handle is the right to ask."""
    digest = handle_digest(handle)
    found = await storage.find(work.connection, digest)
    if found is None:
        return domain.UNKNOWN
    return domain.told(found.standing, found.accepted_at, _chance(digest, found.address_digest), work.now)


def _chance(digest_of_handle: bytes, address_digest: bytes | None) -> float:
    """A number between 0 and 1, the mail's own. Who has the handle cannot know it: the other digest is keyed."""
    return int.from_bytes(hashlib.sha256(digest_of_handle + (address_digest or b"")).digest()[:4]) / 2**32


async def view(work: Work[Tools], handle: str) -> Standing | None:
    """Where the mail of a handle stands, for an agent; audited. None when there is no such mail."""
    found = await storage.find(work.connection, handle_digest(handle))
    if found is None:
        return None
    work.audit("delivery_viewed", object_id=found.delivery_id)
    return found.standing


def handle_digest(handle: str) -> bytes:
    """What rests in the table instead of a handle; a random value of 128 bits or more needs no key (ASVS 5.0, 11.4)."""
    return hashlib.sha256(handle.encode()).digest()
