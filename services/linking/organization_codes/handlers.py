"""Reading an organization's code again, and renewing it: for those who manage the organization, and for agents."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from chassis import limits, pages
from chassis.outcomes import Refusal
from chassis.pages import Page
from chassis.work import Work
from services.linking.bindings import storage as bindings
from services.linking.contacts.domain import manages_on
from services.linking.organization_codes import storage
from services.linking.organization_codes.issuing import issue
from services.linking.tools import Tools

RENEWALS = "organization_code_renewals"


@dataclass(frozen=True)
class Asked:
    """Whose code, and who asks: an account, or None for an agent."""

    organization_id: UUID
    account_id: UUID | None


@dataclass(frozen=True)
class Shown:
    """An organization's code as its holder reads it."""

    organization_id: UUID
    code: str = field(repr=False)
    issued_at: datetime
    locked_at: datetime | None
    letter_due: bool
    printed_at: datetime | None


async def show_code(work: Work[Tools], asked: Asked) -> Shown | Refusal:
    """The code of an active organization; each look is audited. Refusals: not_permitted, not_found."""
    if refusal := await _may_not(work, asked):
        return refusal
    return await _shown(work, asked.organization_id, "organization_code_viewed")


@dataclass(frozen=True)
class Listed:
    """A page of codes; only those that are locked, or that are not."""

    locked: bool | None
    cursor: str | None
    limit: int


async def list_codes(work: Work[Tools], asked: Listed) -> Page | Refusal:
    """Show an agent whose codes there are, and none of the codes; the look is audited. Refusal: invalid_cursor."""
    work.audit("organization_codes_listed", locked=asked.locked)
    return await pages.fetch(work.connection, storage.listed(locked=asked.locked), asked.cursor, asked.limit)


async def renew_code(work: Work[Tools], asked: Asked) -> UUID | Refusal:
    """A new code at once, and a letter that is due; the code before is dead, and its lock over.

    Refusals: not_permitted, not_found, too_many_attempts (of those who manage the organization).
    """
    if refusal := await _may_not(work, asked):
        return refusal
    organization_id = asked.organization_id
    await storage.lock(work.connection, organization_id)
    found = await storage.living(work.connection, organization_id)
    if found is None or not found[0].valid:
        return Refusal("not_found")
    allowed = work.tools.agency.limits.organization_codes
    assert allowed is not None  # an agency with codes has them (checks.check_linking)
    if asked.account_id is not None:
        spent = allowed.renewals_per_organization
        refusal = await limits.refuse_beyond(work.connection, RENEWALS, organization_id.bytes, spent, work.now)
        if refusal is not None:
            return refusal
    work.take_time()
    await issue(work, organization_id, "renewed")
    return organization_id


async def _shown(work: Work[Tools], organization_id: UUID, action: str) -> Shown | Refusal:
    row = await storage.readable(work.connection, organization_id)
    if row is None:
        return Refusal("not_found")
    work.audit(action, organization_id=organization_id, object_id=organization_id, issue=row["issue"])
    return Shown(
        organization_id,
        work.tools.vault.unlock(row["kept"]).decode(),
        row["issued_at"],
        row["locked_at"],
        row["letter_due"],
        row["printed_at"],
    )


async def _may_not(work: Work[Tools], asked: Asked) -> Refusal | None:
    """Why the code is not for who asks; an organization that does not exist is like one that is somebody else's."""
    if asked.account_id is None:
        return None
    own = await bindings.live_bindings(work.connection, asked.account_id)
    if any(b.organization.organization_id == asked.organization_id and manages_on(b.manages, work.today) for b in own):
        work.rule = "manages"
        return None
    return Refusal("not_permitted")
