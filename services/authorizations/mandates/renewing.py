"""Asking for a mandate again: one that came back, corrected, or one that is in force, for longer."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from uuid import UUID

from chassis.outcomes import Next, Refusal
from chassis.work import Work
from contracts.events import Language
from services.authorizations.access.domain import AsProfile
from services.authorizations.mailing.budgets import refuse_mail
from services.authorizations.mandates import eligibility, storage
from services.authorizations.mandates.domain import AskedMandate, Mandate
from services.authorizations.mandates.eligibility import Wanted
from services.authorizations.mandates.locking import locked
from services.authorizations.mandates.recognizing import is_of
from services.authorizations.mandates.submitting import Professional, make, professional, refuse_standing
from services.authorizations.personal import storage as personal_fields
from services.authorizations.personal.domain import Personal
from services.authorizations.personal.storage import descriptions
from services.authorizations.request_tokens import storage as request_tokens
from services.authorizations.requests import domain as requests
from services.authorizations.requests import storage as request_rows
from services.authorizations.requests import telling as request_telling
from services.authorizations.requests.domain import Request
from services.authorizations.signatures.handlers import void
from services.authorizations.tools import Tools


@dataclass(frozen=True)
class Correct:
    """What a mandate that came back asks for now; both sides sign it anew."""

    by: AsProfile
    mandate_id: UUID
    version: int | None
    wanted: Wanted = field(repr=False)
    language: Language


@dataclass(frozen=True)
class Renew:
    """The same mandate for other days; without a first one it follows the mandate that it renews, if that one ends."""

    by: AsProfile
    mandate_id: UUID
    starts_on: date | None
    ends_on: date | None
    written_in: Language
    language: Language


async def correct(work: Work[Tools], command: Correct) -> UUID | Refusal:
    """Put another text in the place of one that came back: what was signed is void. Returns the mandate's id.

    Whoever is mandated now and was not before has everything still to do. An address that was verified stays so.
    """
    asking = await _asking(work, command.by, command.mandate_id)
    if isinstance(asking, Refusal):
        return asking
    by, request, mandate = asking
    refusal = requests.refuse_unreturned(request, work.today) or requests.refuse_stale(request, command.version)
    if refusal:
        return refusal
    agency, before = work.tools.agency, AskedMandate.model_validate(request.asked)
    assert agency.mandates is not None and request.organization_id is not None
    asked = eligibility.asked(agency, by.mandating, command.wanted, before.questionnaire, work.today, command.language)
    if isinstance(asked, Refusal):
        return asked
    renews, delegate = before.renews, command.wanted.delegate
    if renews is not None and not await _renews_the_same(work, renews, before, asked, delegate):
        return Refusal("renewal_of_another", fields=("delegate", "service", "role"))
    asked = asked.model_copy(update={"renews": before.renews})  # of paper too: this text is signed on screen
    if refusal := await refuse_standing(work, by, asked, delegate, request.request_id) or await refuse_mail(
        work, command.by, by.contact.organization_id, delegate.email
    ):
        return refusal
    await void(work, request.request_id, request.organization_id)
    await _describe(work, request, mandate, command.wanted)
    await storage.new_text(work.connection, request.request_id, command.wanted.language)
    last_day = work.today + timedelta(days=agency.mandates.signing_days)
    await request_rows.await_signatures(work.connection, request.request_id, asked, last_day)
    request_telling.audit(work, "mandate_corrected", request)
    return request.request_id


async def _renews_the_same(
    work: Work[Tools], renewed_id: UUID, before: AskedMandate, asked: AskedMandate, delegate: Personal
) -> bool:
    """Whether a corrected renewal is still of the person, service and role that it renews: the right is theirs."""
    renewed = await storage.get(work.connection, renewed_id)
    alike = (before.subject, before.type) == (asked.subject, asked.type)
    return alike and renewed is not None and await is_of(work, renewed, delegate)


async def _describe(work: Work[Tools], request: Request, mandate: Mandate, wanted: Wanted) -> None:
    """Whoever is described differently is somebody else, of whom nothing is known."""
    persons = await descriptions(work.connection, [request.request_id])
    if _is_same(persons.get(request.request_id), wanted.delegate):
        return
    await personal_fields.describe(work.connection, request.request_id, wanted.delegate)
    await personal_fields.describe(work.connection, mandate.delegate.side_id, replace(wanted.delegate, email=None))
    await storage.another_delegate(work.connection, mandate.delegate, wanted.delegate.language)
    await request_tokens.forget_side(work.connection, request.request_id, "delegate")


def _is_same(one: Personal | None, other: Personal) -> bool:
    return one is not None and (one.family_name, one.given_name, one.email, one.language) == (
        other.family_name, other.given_name, other.email, other.language,
    )  # fmt: skip


async def renew(work: Work[Tools], command: Renew) -> UUID | Refusal:
    """Ask for a mandate in the place of one that is in force; both sides sign. Returns the new mandate's id."""
    asking = await _asking(work, command.by, command.mandate_id)
    if isinstance(asking, Refusal):
        return asking
    by, request, mandate = asking
    rights: Mapping[UUID, storage.HeldRight] = {}
    if mandate.right_id is not None:
        rights = await storage.rights(work.connection, [mandate.right_id])
    held = next(iter(rights.values()), None)
    if held is None or held.ended_at is not None or held.period.is_over(work.today):
        return Refusal("mandate_not_in_force")
    persons = await descriptions(work.connection, [request.request_id, mandate.delegate.side_id])
    delegate, verified = persons.get(request.request_id), persons.get(mandate.delegate.side_id)
    if delegate is None or verified is None:
        return Refusal("mandate_not_in_force")
    agency, before = work.tools.agency, AskedMandate.model_validate(request.asked)
    follows = held.period.ends_on + timedelta(days=1) if held.period.ends_on is not None else work.today
    wanted = Wanted(
        replace(delegate, email=verified.email or delegate.email), before.subject, before.type,
        command.starts_on or follows, command.ends_on, command.written_in,
    )  # fmt: skip
    asked = eligibility.asked(agency, by.mandating, wanted, before.questionnaire, work.today, command.language)
    if isinstance(asked, Refusal):
        return asked
    if held.period.ends_on is None and asked.ends_on is None:
        following = Next("next_mandate_in_force", f"/v1/mandates/{request.request_id}")
        return Refusal("mandate_without_end", fields=("ends_on",), next=following)
    asked = asked.model_copy(update={"renews": request.request_id})
    refusal = await refuse_standing(work, by, asked, wanted.delegate) or await refuse_mail(
        work, command.by, by.contact.organization_id, wanted.delegate.email
    )
    return refusal or await make(work, by, asked, wanted, None)


async def _asking(
    work: Work[Tools], by: AsProfile, mandate_id: UUID
) -> tuple[Professional, Request, Mandate] | Refusal:
    """Whoever mandated, or manages the organization, and the mandate, locked."""
    asking, seen = await professional(work, by), await request_rows.get(work.connection, mandate_id)
    if isinstance(asking, Refusal):
        return asking
    ours = seen is not None and seen.organization_id == asking.acting.organization_id
    found = await locked(work, mandate_id) if ours else None
    if found is None:
        return Refusal("not_found")
    manages = work.tools.manages(asking.acting)
    reader = found[1].read_by(asking.acting, found[0], manages=manages)
    if reader is None:
        return Refusal("not_found")
    return (asking, *found) if reader == "professional" else Refusal("not_permitted")
