"""What somebody who claims an organization typed: is it one, and does that person know what stands on its letter.

What a person is told follows from what they did themselves: a claim is counted by its account before anything is looked
at, and an organization that exists is claimed by an answer that is the same whatever its code is and others have tried.
The work is the same whether it exists or not. A try of a code is counted before it is compared; one that comes while
tries have to wait is not compared; the tries of one code end in a lock, after which nothing is compared until a new
letter goes out.
"""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from chassis import limits
from chassis.outcomes import Phrase, Refusal
from chassis.work import Work
from contracts.agency.limits import OrganizationCodeLimits
from contracts.agency.linking import OrganizationCode
from contracts.authorizations import ReportedPayroll
from services.linking import metrics
from services.linking.organization_codes import domain, storage
from services.linking.organization_codes.domain import Claimable
from services.linking.organization_codes.issuing import CODE_PURPOSE
from services.linking.organization_codes.mails import tell_of_lock
from services.linking.tools import Tools

BY_ACCOUNT = "claims_per_account"
BY_ORGANIZATION = "codes_tried_per_organization"

UNREADABLE = ""
"""Compared in place of what cannot be a code; no digest is of it."""


@dataclass(frozen=True)
class Typed:
    """What a person typed. Code and payroll are needed by an organization's first person alone."""

    organization_name: str
    organization_number: str
    organization_code: str | None = field(default=None, repr=False)
    payroll: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Proof:
    """What a claim proves. `proven`: code and payroll were right. `locked`: the code was not looked at."""

    proven: bool
    locked: bool


def refused(work: Work[Tools]) -> Refusal:
    """The one answer for whatever was named that cannot be claimed, with the work that a claim's proof costs."""
    method = work.tools.organization_code
    assert method is not None  # who asks has the method
    _compare(work, None, method, Typed("", ""))
    return Refusal("link_refused", {"ask": Phrase("ask_agency", {"support": work.tools.agency.profile.support_email})})


async def delay(work: Work[Tools], account_id: UUID) -> int | None:
    """Count a claim of the account. None when it may go on, else the seconds until one may, uncounted.

    The only wait there is: of what others do at an organization nobody is told.
    """
    wait = await limits.grow(work.connection, BY_ACCOUNT, _key(work, account_id), _limits(work).per_account, work.now)
    if wait is not None:
        work.audit("claim_delayed", object_id=account_id, seconds=wait)
    return wait


async def take_back(work: Work[Tools], account_id: UUID) -> None:
    """Uncount a claim of the account that gave it what it asked for, as its person has been told by now."""
    await limits.shrink(work.connection, BY_ACCOUNT, _key(work, account_id))


async def find(work: Work[Tools], method: OrganizationCode, typed: Typed) -> Claimable | None:
    """The active organization of that number and name, with its code locked for others."""
    candidates = await storage.numbered(work.connection, domain.read_number(typed.organization_number))
    found = None
    for organization_id in candidates or [UUID(int=0)]:
        await storage.lock(work.connection, organization_id)
        claimable = await storage.claimable(work.connection, organization_id)
        names: Sequence[str] = claimable.names if claimable else (method.code,)
        is_it = domain.is_named(names, typed.organization_name, method.legal_suffixes, method.ignored_words)
        if is_it and claimable is not None and found is None:
            found = claimable
    work.take_time()
    return found


async def prove(work: Work[Tools], found: Claimable, method: OrganizationCode, typed: Typed) -> Proof:
    """Compare code and payroll with those of an organization that `find` found, unless too many wrong ones were tried.

    A try is counted before it is compared. While tries have to wait, the code is not looked at, and that is no try.
    """
    organization_id = found.organization.organization_id
    is_tried = typed.organization_code is not None and found.digest is not None and not found.locked
    tries = await _count(work, organization_id) if is_tried else None
    is_right = _compare(work, found, method, typed)
    if tries is None:
        return Proof(proven=False, locked=is_tried or found.locked)
    is_spent = tries >= _limits(work).wrong_tries
    is_looked_at = tries <= _limits(work).wrong_tries
    if is_right and is_looked_at:
        await storage.forgive(work.connection, organization_id)
        await limits.forgive(work.connection, BY_ORGANIZATION, organization_id.bytes)
        return Proof(proven=True, locked=False)
    if is_spent:
        await _lock(work, found)
    return Proof(proven=False, locked=not is_looked_at)


async def _count(work: Work[Tools], organization_id: UUID) -> int | None:
    """Count a try of the organization's code. The how manieth it is; None while tries have to wait.

    Beyond those that the data allow, which are fewer now than were made before, it is one more than they allow.
    """
    allowed = _limits(work)
    delays = allowed.per_organization
    wait = await limits.grow(work.connection, BY_ORGANIZATION, organization_id.bytes, delays, work.now)
    if wait is not None:
        work.audit("code_not_compared", organization_id=organization_id, object_id=organization_id, seconds=wait)
        return None
    counted = await storage.count_try(work.connection, organization_id, allowed.wrong_tries)
    return allowed.wrong_tries + 1 if counted is None else counted


def _compare(work: Work[Tools], found: Claimable | None, method: OrganizationCode, typed: Typed) -> bool:
    """Whether code and payroll are the organization's. Always the work of one digest for each key, and one opening."""
    tools = work.tools
    code = domain.read_code(typed.organization_code or UNREADABLE, method.digits) or UNREADABLE
    digest = (found.digest if found else None) or b""
    matching = [hmac.compare_digest(lookup, digest) for lookup in tools.keyring.lookups(CODE_PURPOSE, code)]
    opened = tools.vault.unlock((found.facts if found else None) or tools.nobodys_payroll)
    reported = ReportedPayroll.model_validate_json(opened) if found and found.facts else None
    expected = domain.expected_payroll(reported, method.payroll, work.today)
    is_near = domain.is_near(domain.read_amount(typed.payroll or ""), expected, method.payroll)
    return any(matching) and is_near


async def _lock(work: Work[Tools], found: Claimable) -> None:
    organization_id = found.organization.organization_id
    await storage.set_locked(work.connection, organization_id, work.now)
    work.afterwards(metrics.CODES_LOCKED.inc)
    delivery_id = await tell_of_lock(work, found.organization, found.issue)
    work.audit(
        "organization_code_locked",
        organization_id=organization_id,
        object_id=organization_id,
        issue=found.issue,
        delivery_id=str(delivery_id) if delivery_id else None,
    )


def _limits(work: Work[Tools]) -> OrganizationCodeLimits:
    allowed = work.tools.agency.limits.organization_codes
    assert allowed is not None  # an agency with the method has them (checks.check_linking)
    return allowed


def _key(work: Work[Tools], account_id: UUID) -> bytes:
    return work.tools.keyring.lookup(BY_ACCOUNT, str(account_id))
