"""Keeping a file, using it once, showing it to agents, forgetting it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from chassis.limits import refuse_beyond
from chassis.outcomes import Refusal
from chassis.work import Work
from contracts.agency.forms import AttachmentFormat, FormKind
from services.authorizations.access.domain import AsAgent, AsProfile
from services.authorizations.access.handlers import permitted
from services.authorizations.attachments import storage
from services.authorizations.attachments.storage import AttachmentRow
from services.authorizations.organizations import storage as organizations
from services.authorizations.tools import Tools

PORTION = 100  # attachments that one transaction deletes


@dataclass(frozen=True)
class KeepAttachment:
    """A file for a form that is yet to be sent, its content locked already; `size` in bytes before that.

    `digests` are of its content, keyed, the newest key's first.
    """

    by: AsProfile | AsAgent
    organization_id: UUID
    format: AttachmentFormat
    size: int
    locked: str
    digests: Sequence[bytes] = field(repr=False)


@dataclass(frozen=True)
class OpenAttachment:
    """An agent's look at a file."""

    attachment_id: UUID


async def keep_attachment(work: Work[Tools], command: KeepAttachment) -> UUID | Refusal:
    """Keep a file until it is used. By those who may send the forms, so many an hour, and by agents. Returns its id."""
    by = command.by
    if refusal := await _refuse(work, by, command.organization_id):
        return refusal
    row = AttachmentRow(work.new_id(), command.organization_id, command.format, command.size, work.now)
    profile, agent = (by, None) if isinstance(by, AsProfile) else (None, work.actor.reference)
    await storage.add(work.connection, row, profile, agent, command.locked, command.digests)
    work.audit("attachment_kept", organization_id=command.organization_id, object_id=row.attachment_id)
    return row.attachment_id


async def _refuse(work: Work[Tools], by: AsProfile | AsAgent, organization_id: UUID) -> Refusal | None:
    if refusal := await permitted(work, by, organization_id):
        return refusal
    if isinstance(by, AsAgent):  # a named person, and each file is in the audit
        return None if await organizations.get(work.connection, [organization_id]) else Refusal("not_found")
    budget = work.tools.agency.limits.attempts["attachments_per_account"]
    return await refuse_beyond(work.connection, "attachments_per_account", by.account_id.bytes, budget, work.now)


async def refuse_document(work: Work[Tools], attachment_id: UUID, organization_id: UUID) -> Refusal | None:
    """What an agent enters from paper has a file of its own, uploaded by that agent. Locks it for `attach`.

    The same document uploaded again is no other file, as long as what it served stands: a paper whose mandate lapsed,
    was withdrawn or refused may be entered anew.
    """
    since = work.now - timedelta(hours=work.tools.agency.attachment_rule.unused_hours)
    unused = await storage.lock_of_agent(
        work.connection, attachment_id, work.actor.reference, organization_id, since
    )  # fmt: skip
    if unused is None:
        return Refusal("unknown_attachment", fields=("attachment_id",))
    if unused and not await storage.serves_a_mandate(work.connection, attachment_id, work.today):
        return None
    return Refusal("document_of_another", fields=("attachment_id",))


async def refuse_attachments(work: Work[Tools], by: AsProfile, kind: FormKind, ids: Sequence[UUID]) -> Refusal | None:
    """A form names files that its sender has uploaded for it, and that no other form has. Locks them for `attach`.

    Whether files go with a form of this kind at all is the agency's data.
    """
    rule, wanted = work.tools.agency.attachment_rule, set(ids)
    form = work.tools.agency.form(kind, work.today)
    if wanted and not (form is not None and form.attachments):
        return Refusal("attachments_not_taken", fields=("attachments",))
    if len(wanted) > rule.most:
        return Refusal("too_many_attachments", {"limit": rule.most}, ("attachments",))
    since = work.now - timedelta(hours=rule.unused_hours)
    if wanted and await storage.lock_unused(work.connection, list(wanted), by, since) < len(wanted):
        return Refusal("unknown_attachment", fields=("attachments",))
    return None


async def attach(work: Work[Tools], object_id: UUID, ids: Sequence[UUID]) -> None:
    """From now on the files belong to what the form made. Call it after `refuse_attachments` and the last refusal."""
    if ids:
        await storage.use(work.connection, ids, object_id, work.now)


async def open_attachment(work: Work[Tools], command: OpenAttachment) -> tuple[AttachmentRow, str] | Refusal:
    """A file, and its content locked, for an agent; the look is audited."""
    since = work.now - timedelta(days=work.tools.agency.attachment_rule.keep_days)
    found = await storage.get(work.connection, command.attachment_id, since)
    if found is None:
        return Refusal("not_found")
    work.audit("attachment_viewed", organization_id=found[0].organization_id, object_id=command.attachment_id)
    return found


async def erase_attachments(work: Work[Tools], object_ids: Collection[UUID]) -> None:
    """Delete what belongs to any of these, because its person is erased."""
    _note_deleted(work, await storage.delete_of(work.connection, object_ids))


async def forget_attachments(work: Work[Tools], _: None) -> int:
    """Delete some that nobody used in time, and some that were kept as long as they must be. Returns how many."""
    rule = work.tools.agency.attachment_rule
    gone = await storage.delete_past(
        work.connection,
        work.now - timedelta(hours=rule.unused_hours),
        work.now - timedelta(days=rule.keep_days),
        PORTION,
    )
    _note_deleted(work, gone)
    return len(gone)


def _note_deleted(work: Work[Tools], gone: Sequence[AttachmentRow]) -> None:
    for row in gone:
        work.audit("attachment_deleted", organization_id=row.organization_id, object_id=row.attachment_id)
