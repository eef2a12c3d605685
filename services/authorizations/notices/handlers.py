"""The daily round that tells, and the yearly confirmation of a list. What is true needs neither."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from chassis.outcomes import Refusal
from chassis.work import Work
from contracts.authorizations import OrganizationRecertified
from services.authorizations.access.domain import AsProfile
from services.authorizations.access.handlers import may_manage
from services.authorizations.attestations.domain import Ticked
from services.authorizations.attestations.handlers import keep_attestations
from services.authorizations.contacts import storage as contacts
from services.authorizations.managing.questions import who_manage
from services.authorizations.notices import mails, storage
from services.authorizations.notices.domain import LOOKS_BACK, Matters, days_told, late_since
from services.authorizations.notices.mails import News, by_recipient
from services.authorizations.notices.storage import Waiting
from services.authorizations.organizations import storage as organizations
from services.authorizations.organizations.handlers import record
from services.authorizations.tools import Tools


@dataclass(frozen=True)
class Recertify:
    """Somebody who manages an organization confirms its list as it stood in `version`."""

    by: AsProfile
    organization_id: UUID
    version: int | None
    ticked: Sequence[Ticked]


async def begin_round(work: Work[Tools], _: None) -> None:
    """Once a day: find out in whose file there is something to tell of."""
    since = await storage.begin_round(work.connection, work.today, work.today - timedelta(days=1))
    if since is None:
        return
    rules = work.tools.agency.notices
    if rules.recertification is not None:
        await storage.enrol(work.connection, work.today, rules.recertification.every_months)
    await storage.queue(
        work.connection,
        since,
        days_told(rules.ends.days_before, since, work.today),
        days_told(rules.days_until_due, since, work.today),
    )
    await storage.forget(work.connection, work.today - timedelta(days=2 * LOOKS_BACK))


async def tell_some(work: Work[Tools], limit: int) -> int:
    """Write to the readers of some organizations that wait. Returns how many organizations there were.

    Whoever has files elsewhere is told at once what waits there: one mail for a person and a day.
    """
    waiting = await storage.take(work.connection, limit)
    news = [one for some in waiting for one in await _news(work, some)]
    files = await storage.files_of(work.connection, [one.reader.contact_id for one in news])
    accounts = {file.contact_id: file.account_id for file in files}
    for file in files:
        if file.waiting is not None:
            news += [one for one in await _news(work, file.waiting) if one.reader.contact_id == file.contact_id]
    untold = await storage.note_told(work.connection, {one.reader.contact_id for one in news}, work.today)
    for mail in by_recipient([one for one in news if one.reader.contact_id in untold], accounts):
        await mails.digest(work, mail)
        first, *others = [one.reader.contact_id for one in mail]
        await storage.note_told_with(work.connection, first, others, work.today)
    return len(waiting)


async def _news(work: Work[Tools], waiting: Waiting) -> list[News]:
    """For each who manages an organization, everything; and for each member, what is the member's own."""
    organization = await organizations.one(work.connection, waiting.organization_id)
    if not organization.active:
        return []
    managers = await who_manage(work, organization.organization_id)
    managing = {manager.contact_id for manager in managers}
    matters = await _matters(work, waiting.organization_id, waiting.since)
    members = await contacts.get_all(work.connection, {end.holder_id for end in matters.ends} - managing)
    readers = [reader for reader in [*managers, *members] if reader.email is not None]
    told = await storage.last_told(work.connection, [reader.contact_id for reader in readers])
    found = []
    for reader in readers:
        news, last = matters, told.get(reader.contact_id, waiting.since)
        if last > waiting.since:
            news = await _matters(work, waiting.organization_id, last)
        if reader.contact_id not in managing:
            news = news.of(reader.contact_id)
        if news:
            found.append(News(reader, organization, news, _late(work, news, max(last, waiting.since))))
    return found


def _late(work: Work[Tools], news: Matters, since: date) -> date | None:
    rules = work.tools.agency.notices
    return late_since(news, rules.ends.days_before, rules.days_until_due, since, work.today)


async def _matters(work: Work[Tools], organization_id: UUID, since: date) -> Matters:
    """What is to be told of an organization to somebody who was told last on a day."""
    rules, today = work.tools.agency.notices, work.today
    ends = await storage.ends(work.connection, organization_id, days_told(rules.ends.days_before, since, today))
    due = days_told(rules.days_until_due, since, today)
    found = await storage.recertification(work.connection, organization_id)
    return Matters(ends, found.due_on if found and found.due_on in due else None)


async def recertify(work: Work[Tools], command: Recertify) -> UUID | Refusal:
    """Confirm an organization's list, as long as it is the one that was seen. Returns the organization's id."""
    rule = work.tools.agency.notices.recertification
    await organizations.lock(work.connection, [command.organization_id])
    work.take_time()
    acting = await may_manage(work, command.by, command.organization_id)
    if isinstance(acting, Refusal):
        return acting
    if rule is None:
        return Refusal("not_found")
    version = await storage.list_version(work.connection, command.organization_id)
    if command.version != version:
        return Refusal("precondition_failed", fields=("If-Match",))
    if refusal := await keep_attestations(work, command.by, command.organization_id, "recertification", command.ticked):
        return refusal
    await storage.confirm(
        work.connection, command.organization_id, acting.contact_id, work.now, work.today, rule.every_months
    )
    await record(work, OrganizationRecertified, command.organization_id)
    work.audit(
        "organization_recertified",
        organization_id=command.organization_id,
        object_id=command.organization_id,
        version=version,
    )
    return command.organization_id
