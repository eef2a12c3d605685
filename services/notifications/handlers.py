"""The use cases of notifications, each in one transaction: a mail comes in, is taken in hand, ends, is asked about."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from chassis.work import Work
from contracts.notifications import MailAccepted, MailExpired, MailRequest
from services.notifications import domain, metrics, storage
from services.notifications.domain import Attempt, Delivery, Mail, Standing
from services.notifications.suppressions import handlers as suppressions
from services.notifications.suppressions.domain import Failure
from services.notifications.tools import Tools

OVERDUE_AT_ONCE = 500  # mails ended in one transaction; the rest a moment later


async def accept(work: Work[Tools], request: MailRequest) -> None:
    """Keep a request in our own table, so that it will be sent or its end will be told.

    A UUIDv7 is drawn where the code is made, in the same transaction, so the order of delivery ids is the order of the
    codes, in whichever order the requests arrive here.
    """
    if request.replaces is not None:
        await storage.lock_purpose(work.connection, request.recipient_id, request.replaces)
    work.take_time()
    incoming = storage.Incoming(
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
        accepted_at=work.now,
    )
    if not await storage.insert(work.connection, incoming):
        return
    if request.replaces is not None:
        await storage.keep_newest(work.connection, request.recipient_id, request.replaces)
    work.publish(MailAccepted(delivery_id=request.delivery_id))
    work.ring(work.tools.mails)
    metrics.OUTCOMES.labels(request.mail, "accepted").inc()


@dataclass(frozen=True)
class Take:
    """Take at most `limit` due mails in hand for `lease`; those in `in_hand` are already."""

    limit: int
    lease: timedelta
    in_hand: frozenset[UUID]


async def take(work: Work[Tools], command: Take) -> list[Mail]:
    """Lease due mails to one sender, the most urgent first."""
    return await storage.claim(
        work.connection,
        now=work.now,
        lease_until=work.now + command.lease,
        limit=command.limit,
        except_for=command.in_hand,
    )


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
    await storage.settle(work.connection, list(standings.items()), digests)
    for identity, standing in standings.items():
        if standing.state is domain.State.BOUNCED and (digest := digests[identity]) is not None:
            assert standing.reason is not None
            failure = Failure(identity, held[identity].recipient_id, digest, standing.reason)
            await suppressions.weigh_failure(work, failure)
    return standings


async def end_overdue(work: Work[Tools], _: None) -> list[tuple[str, Standing]]:
    """End the mails whose time has run out or that a newer one replaced. Returns kind and end of each."""
    ended = []
    standings = []
    for kind, mail in await storage.hold_overdue(work.connection, work.now, OVERDUE_AT_ONCE):
        standing = domain.expired(mail.standing, work.now, replaced=mail.replaced)
        standings.append((mail.delivery_id, standing))
        ended.append((kind, standing))
        work.publish(MailExpired(delivery_id=mail.delivery_id, reason="replaced" if mail.replaced else "expired"))
    await storage.settle(work.connection, standings)
    return ended


async def look_up(work: Work[Tools], handle: str) -> Delivery:
    """Where the mail of a handle is; the handle is the right to ask."""
    return domain.delivery(await storage.find(work.connection, handle_digest(handle)))


def handle_digest(handle: str) -> bytes:
    """What rests in the table instead of a handle; a random value of 128 bits or more needs no key (ASVS 5.0, 11.4)."""
    return hashlib.sha256(handle.encode()).digest()
