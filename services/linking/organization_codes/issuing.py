"""Issuing an organization's code, and letting it come and go with the organization's status."""

import secrets
from uuid import UUID

from chassis.outcomes import Transient
from chassis.work import Work
from contracts.agency.linking import OrganizationCode
from contracts.authorizations import Organization as OrganizationState
from contracts.authorizations import OrganizationFacts
from services.linking.organization_codes import domain, storage
from services.linking.organization_codes.storage import EndedBy
from services.linking.tools import Tools

CODE_PURPOSE = "organization_code"
"""What a code's digest is for. It is of the code alone: two active organizations may not have the same."""

DRAWN_AT_ONCE = 32
"""Codes that are looked up together: with a million codes and 700,000 organizations one in 90,000 draws finds none."""


async def follow(work: Work[Tools], state: OrganizationState) -> None:
    """Keep what the organization's code, claims and letters need, and issue the code that is owed.

    Call it with the organization locked and only for a state that is newer. Raises Poison for facts that cannot be
    opened.
    """
    if state.code_generation == 0:
        return
    facts = OrganizationFacts() if state.facts is None else work.tools.sealer.open(state.facts, OrganizationFacts)
    kept = None if facts.payroll is None else work.tools.vault.lock(facts.payroll.model_dump_json().encode())
    await storage.lock(work.connection, state.organization_id)
    owed = await storage.keep_file(work.connection, state, kept)
    found = await storage.living(work.connection, state.organization_id)
    active = state.status == "active"
    if owed and active:
        # One that it had before is adopted first, and never comes back.
        await issue(work, state.organization_id, "renewed", facts.code if found is None else None)
        await storage.settle(work.connection, state.organization_id)
    elif found is not None and found[0].valid != active:
        await _come_or_go(work, state.organization_id, found[1], active=active)


async def _come_or_go(work: Work[Tools], organization_id: UUID, digest: bytes, *, active: bool) -> None:
    """The code with its organization: the same one again, unless somebody has its digits by now."""
    if active and await storage.taken(work.connection, [digest]):
        await issue(work, organization_id, "yielded")
        return
    await storage.set_valid(work.connection, organization_id, valid=active)
    action = "organization_code_woken" if active else "organization_code_rested"
    work.audit(action, organization_id=organization_id, object_id=organization_id)


async def issue(work: Work[Tools], organization_id: UUID, ended_by: EndedBy, existing: str | None = None) -> None:
    """Give the organization a new code, which ends the one before and its lock; `existing` is adopted where it can be.

    Call it with the organization's code locked. Raises Transient when no free code was drawn.
    """
    method = work.tools.organization_code
    assert method is not None  # an agency that has such organizations has the method (checks.check_linking)
    ended = await storage.end(work.connection, organization_id, ended_by, work.now)
    adopted = existing is not None and await _is_free(work, existing, method)
    code = existing if existing is not None and adopted else await _draw(work, method)
    digest = work.tools.keyring.lookup(CODE_PURPOSE, code)
    kept = work.tools.vault.lock(code.encode())
    number = await storage.keep(work.connection, organization_id, digest, kept, work.now, adopted=adopted)
    work.audit(
        "organization_code_issued",
        organization_id=organization_id,
        object_id=organization_id,
        issue=number,
        adopted=adopted,
        ended=ended,
        ended_by=ended_by if ended else None,
    )


async def _is_free(work: Work[Tools], code: str, method: OrganizationCode) -> bool:
    is_one = domain.read_code(code, method.digits) == code
    return is_one and not await storage.taken(work.connection, work.tools.keyring.lookups(CODE_PURPOSE, code))


async def _draw(work: Work[Tools], method: OrganizationCode) -> str:
    drawn = [f"{secrets.randbelow(10**method.digits):0{method.digits}}" for _ in range(DRAWN_AT_ONCE)]
    digests = {code: work.tools.keyring.lookups(CODE_PURPOSE, code) for code in drawn}
    taken = await storage.taken(work.connection, [digest for each in digests.values() for digest in each])
    free = next((code for code in drawn if taken.isdisjoint(digests[code])), None)
    if free is None:
        raise Transient("no free organization code was drawn")
    return free


async def forget(work: Work[Tools], organization_id: UUID) -> None:
    """Erase what was kept of the organization, and end its code."""
    await storage.lock(work.connection, organization_id)
    ended = await storage.end(work.connection, organization_id, "forgotten", work.now)
    await storage.forget_file(work.connection, organization_id)
    if ended is not None:
        work.audit("organization_code_ended", organization_id=organization_id, object_id=organization_id, issue=ended)
