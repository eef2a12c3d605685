"""Reporting misuse, hearing of signs of it, and what an agent's decision says."""

from dataclasses import dataclass, field
from uuid import UUID

from chassis.limits import refuse_beyond
from chassis.outcomes import Next, Refusal
from chassis.work import Work
from contracts.accounts import MisuseSuspected
from contracts.events import Code, Language
from services.authorizations.access import storage as access
from services.authorizations.access.domain import AsAccount, AsAgent, AsProfile
from services.authorizations.misuse import storage
from services.authorizations.misuse.domain import MOST_KEPT, AskedMisuse, Evidence, Named
from services.authorizations.personal import storage as personal_fields
from services.authorizations.requests import storage as requests
from services.authorizations.requests.domain import Decision, Request
from services.authorizations.requests.submitting import Ask, submit
from services.authorizations.tools import Tools


@dataclass(frozen=True)
class Report:
    """Somebody says that another person uses an account; it is named by itself, a contact, or a mandate.

    `words` are theirs, and may name people: they stand with other personal fields, and are erased like those.
    """

    by: AsProfile | AsAccount | AsAgent
    account_id: UUID | None
    contact_id: UUID | None
    mandate_id: UUID | None
    reason: Code
    words: str | None = field(repr=False)
    language: Language


async def report(work: Work[Tools], command: Report) -> UUID | Refusal:
    """Put a report before agents: the review of the account that waits, or a new one. Returns the report's id.

    By whoever the account is, by those who manage an organization about its own contacts, and by agents. What one may
    not report about is refused like what does not exist. Nothing ends by a report.
    """
    if not work.tools.agency.misuse.reasons:
        return Refusal("not_offered")
    if command.reason not in {reason.code for reason in work.tools.agency.misuse.reasons_on(work.today)}:
        return Refusal("unknown_misuse_reason", fields=("reason",))
    if not isinstance(command.by, AsAgent):
        budget, key = work.tools.agency.limits.attempts["misuse_reports_per_account"], command.by.account_id.bytes
        if refusal := await refuse_beyond(work.connection, "misuse_reports_per_account", key, budget, work.now):
            return refusal
    named = await _named(work, command)
    if isinstance(named, Refusal):
        return named
    evidence = Evidence(
        evidence_id=work.new_id(),
        kind="report",
        code=command.reason,
        by=work.actor.reference,
        organization_id=work.concerning,
        mandate_id=named.mandate_id,
        at=work.now,
        seen={},
    )
    request_id, is_kept = await _join(work, named.asked, evidence)
    if command.words and is_kept:
        await personal_fields.say(work.connection, evidence.evidence_id, command.words, command.language)
    work.audit(
        "misuse_reported",
        organization_id=work.concerning,
        object_id=named.contact_id or named.account_id,
        reason=command.reason,
        request_id=str(request_id),
        **({"mandate_id": str(named.mandate_id)} if named.mandate_id else {}),
    )
    return evidence.evidence_id


async def follow_suspicion(work: Work[Tools], suspected: MisuseSuspected) -> None:
    """Put a sign before agents as well."""
    seen = suspected.model_dump(mode="json", exclude={"account_id", "signal"}, exclude_defaults=True)
    evidence = Evidence(
        evidence_id=work.new_id(),
        kind="signal",
        code=suspected.signal,
        by=work.actor.reference,
        organization_id=None,
        mandate_id=None,
        at=work.now,
        seen=seen,
    )
    await _join(work, AskedMisuse(account_id=suspected.account_id), evidence)


async def establish(work: Work[Tools], request: Request, _: Decision) -> Refusal | None:
    """Approved: it was misuse. What that leads to has been done by then: the account was closed, in accounts.

    Closing comes first because it protects, at once; the decision can wait for the talk.
    """
    asked = AskedMisuse.model_validate(request.asked)
    if asked.account_id is None:
        return None
    if await storage.was_closed_since(work.connection, asked.account_id, request.submitted_at):
        return None
    following = Next("close_account_first", f"/v1/accounts/{asked.account_id}/deactivation")
    return Refusal("account_still_active", next=following)


async def forget_words(work: Work[Tools], evidence_id: UUID) -> None:
    """Forget what a person said, of a review that ended long ago; that they reported stays."""
    await personal_fields.erase(work.connection, evidence_id)
    work.audit("misuse_words_erased", object_id=evidence_id)


async def _join(work: Work[Tools], asked: AskedMisuse, evidence: Evidence) -> tuple[UUID, bool]:
    """Add evidence to the review that waits about the same, or make one: one at most waits about an account.

    Whether it was kept: a review has its fill at some point.
    """
    await storage.lock(work.connection, asked.subject)
    waiting = await storage.open_review(work.connection, asked, work.today)
    locked = await requests.lock(work.connection, waiting) if waiting else None
    if locked is None or locked.state_on(work.today) != "submitted":
        made = await submit(work, Ask(work.new_id(), "review", asked, None, reason="misuse"))
    else:
        made = locked.request_id
    return made, await storage.add(work.connection, made, evidence, MOST_KEPT)


async def _named(work: Work[Tools], command: Report) -> Named | Refusal:
    """What the report is about, if whoever reports may; from then on the audit knows in whose file to note it.

    Not in that of an organization where somebody reports about themselves: it may be about those who read it there.
    """
    by = command.by
    manages: UUID | None = None
    if isinstance(by, AsProfile):
        acting = await access.acting(work.connection, work.now, work.today, by.account_id, by.contact_id)
        if acting is None:
            return Refusal("profile_not_yours")
        manages = acting.organization_id if work.tools.manages(acting) else None
    named = await _known(work, command, manages)
    if named is None:
        return Refusal("not_found")
    if isinstance(by, AsAgent):
        return named
    if named.account_id == by.account_id:
        return named
    if manages is not None and named.organization_id == manages:
        work.concerning = manages
        return named
    return Refusal("not_found")


async def _known(work: Work[Tools], command: Report, organization_id: UUID | None) -> Named | None:
    if command.contact_id is not None:
        return await storage.of_contact(work.connection, command.contact_id)
    if command.mandate_id is not None:
        return await storage.of_mandate(work.connection, command.mandate_id)
    if command.account_id is None:
        return None
    if organization_id is not None:
        found = await storage.of_account(work.connection, command.account_id, organization_id)
        if found is not None:
            return found
    heard_of = await access.all_heard_of(work.connection, [command.account_id])
    return Named(command.account_id) if heard_of else None
