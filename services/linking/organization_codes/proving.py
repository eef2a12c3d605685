"""What somebody who claims an organization typed: is it one, and does that person know what stands on its letter.

The work is the same whether an organization is found or not, and an answer never tells a wrong code from a wrong
payroll. An attempt is counted before anything is compared, by the account and, when it comes with a code, by the
organization; the tries of one code end in a lock, after which nothing is compared until a new letter goes out.
"""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from prometheus_client import Counter

from chassis import limits
from chassis.limits import too_many
from chassis.outcomes import Phrase, Refusal
from chassis.work import Work
from contracts.agency.limits import OrganizationCodeLimits
from contracts.agency.linking import OrganizationCode
from contracts.authorizations import ReportedPayroll
from services.linking.organization_codes import domain, storage
from services.linking.organization_codes.domain import Claimable
from services.linking.organization_codes.issuing import CODE_PURPOSE
from services.linking.organization_codes.mails import tell_of_lock
from services.linking.organizations.domain import Organization
from services.linking.tools import Tools

BY_ACCOUNT = "claims_per_account"
BY_ORGANIZATION = "codes_tried_per_organization"

LOCKED = Counter("mandat_organization_codes_locked", "Organization codes that too many wrong tries have locked")

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
class Examined:
    """The organization that was named. `proven`: its code and payroll were right, and the code was not locked."""

    organization: Organization
    proven: bool
    locked: bool


async def examine(work: Work[Tools], account_id: UUID, method: OrganizationCode, typed: Typed) -> Examined | Refusal:
    """Find the organization and compare code and payroll. Refusals: too_many_attempts, link_refused."""
    allowed = work.tools.agency.limits.organization_codes
    assert allowed is not None  # an agency with the method has them (checks.check_linking)
    by_account = work.tools.keyring.lookup(BY_ACCOUNT, str(account_id))
    wait = await limits.grow(work.connection, BY_ACCOUNT, by_account, allowed.per_account, work.now)
    if wait is not None:
        work.audit("claim_delayed", method=method.code, seconds=wait)
        return too_many(wait)
    found = await _find(work, method, typed)
    counted = await _count(work, found, allowed, typed)
    if isinstance(counted, Refusal):
        return counted
    is_right = _compare(work, found, method, typed)
    if found is None:
        work.audit("claim_refused", method=method.code)
        return Refusal("link_refused", {"ask": Phrase("ask_agency", {"support": _support(work)})})
    organization_id = found.organization.organization_id
    proven = is_right and counted is not None
    if proven:
        await storage.forgive(work.connection, organization_id)
        await limits.forgive(work.connection, BY_ORGANIZATION, organization_id.bytes)
        # Taken back and not forgiven: who has one code would else guess at others without a wait.
        await limits.shrink(work.connection, BY_ACCOUNT, by_account)
    elif _is_spent(found, counted, allowed, typed):
        await _lock(work, found)
        return Examined(found.organization, proven=False, locked=True)
    return Examined(found.organization, proven, found.locked)


async def _find(work: Work[Tools], method: OrganizationCode, typed: Typed) -> Claimable | None:
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


async def _count(
    work: Work[Tools], found: Claimable | None, allowed: OrganizationCodeLimits, typed: Typed
) -> int | Refusal | None:
    """Count a try of the organization's code. The how manieth it is; None where no code may be compared."""
    if found is None or typed.organization_code is None or found.locked:
        return None
    organization_id = found.organization.organization_id
    delays = allowed.per_organization
    wait = await limits.grow(work.connection, BY_ORGANIZATION, organization_id.bytes, delays, work.now)
    if wait is not None:
        work.audit("claim_delayed", organization_id=organization_id, object_id=organization_id, seconds=wait)
        return too_many(wait)
    return await storage.count_try(work.connection, organization_id, allowed.wrong_tries)


def _is_spent(found: Claimable, counted: int | None, allowed: OrganizationCodeLimits, typed: Typed) -> bool:
    """Whether that was the last try of a living code; also where the data allow fewer now than were made before."""
    if typed.organization_code is None or found.locked or found.digest is None:
        return False
    return counted is None or counted >= allowed.wrong_tries


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
    work.afterwards(LOCKED.inc)
    delivery_id = await tell_of_lock(work, found.organization, found.issue)
    work.audit(
        "organization_code_locked",
        organization_id=organization_id,
        object_id=organization_id,
        issue=found.issue,
        delivery_id=str(delivery_id) if delivery_id else None,
    )


def _support(work: Work[Tools]) -> str:
    return work.tools.agency.profile.support_email
