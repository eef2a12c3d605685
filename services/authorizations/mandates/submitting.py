"""Asking for mandates: a list, of which each is accepted or refused on its own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from chassis.outcomes import Next, Refusal
from chassis.work import Work
from contracts.events import Language
from services.authorizations.access import storage as access
from services.authorizations.access.domain import Acting, AsProfile
from services.authorizations.contacts import storage as contacts
from services.authorizations.contacts.domain import ContactFile
from services.authorizations.mailing.budgets import refuse_mail
from services.authorizations.mandates import eligibility, storage
from services.authorizations.mandates.domain import AnsweredQuestionnaire, AskedMandate
from services.authorizations.mandates.eligibility import Mandating, Wanted
from services.authorizations.mandates.questionnaires import refuse_answers
from services.authorizations.mandates.recognizing import same_mailbox
from services.authorizations.mandates.storage import NewMandate
from services.authorizations.organizations import storage as organizations
from services.authorizations.personal import storage as personal_fields
from services.authorizations.personal.domain import Personal
from services.authorizations.requests.submitting import Ask, submit
from services.authorizations.tools import Tools


@dataclass(frozen=True)
class SubmitMandates:
    """Somebody mandates others, each for one service, after the answers that led there."""

    by: AsProfile
    answered: AnsweredQuestionnaire
    wanted: Sequence[Wanted] = field(repr=False)
    language: Language


@dataclass(frozen=True)
class Maker:
    """Who mandates, as it stands under the lock; on paper perhaps without an account."""

    account_id: UUID | None
    contact: ContactFile
    mandating: Mandating


@dataclass(frozen=True)
class Professional(Maker):
    """Who mandates on the screen, as the profile acts at this moment."""

    acting: Acting


async def submit_mandates(work: Work[Tools], command: SubmitMandates) -> UUID | Refusal:
    """Make a mandate of each that the rules allow; both sides have then to sign. Returns the list's id."""
    mandates = work.tools.agency.mandates
    if mandates is None:
        return Refusal("not_offered")
    by = await professional(work, command.by)
    if isinstance(by, Refusal):
        return by
    if refusal := refuse_answers(work.tools.agency, command.answered, work.today, command.language):
        return refusal
    if len(command.wanted) > mandates.most_at_once:
        return Refusal("mandates_too_many", {"most": mandates.most_at_once}, ("mandates",))
    list_id = work.new_id()
    await storage.add_list(work.connection, list_id, by.contact.organization_id, by.contact.contact_id)
    items = [await _item(work, by, list_id, wanted, command) for wanted in command.wanted]
    await storage.fill_list(work.connection, list_id, items)
    return list_id


async def professional(work: Work[Tools], asking: AsProfile) -> Professional | Refusal:
    """Who mandates, with its organization locked: any member may ask, and its functions say for what."""
    seen = await contacts.get(work.connection, asking.contact_id)
    if seen is None:
        return Refusal("profile_not_yours")
    await organizations.lock(work.connection, [seen.organization_id])
    work.take_time()
    acting = await access.acting(work.connection, work.now, work.today, asking.account_id, asking.contact_id)
    contact = await contacts.get(work.connection, asking.contact_id)
    if acting is None or contact is None:
        return Refusal("profile_not_yours")
    work.concerning = acting.organization_id
    work.rule = f"function:{min(acting.functions, default='')}"
    kind = (await organizations.one(work.connection, acting.organization_id)).kind
    personal = Personal(contact.family_name, contact.given_name, contact.email, [], contact.language)
    return Professional(acting.account_id, contact, Mandating(acting.functions, kind, personal), acting)


async def _item(
    work: Work[Tools], by: Professional, list_id: UUID, wanted: Wanted, command: SubmitMandates
) -> Mapping[str, Any]:
    agency = work.tools.agency
    asked = eligibility.asked(agency, by.mandating, wanted, command.answered, work.today, command.language)
    if not isinstance(asked, Refusal):
        asked = await refuse_standing(work, by, asked, wanted.delegate) or asked
    if not isinstance(asked, Refusal):
        to = wanted.delegate.email
        asked = await refuse_mail(work, command.by, by.contact.organization_id, to) or asked
    if isinstance(asked, Refusal):
        return {"refused": _kept(asked)}
    return {"mandate_id": str(await make(work, by, asked, wanted, list_id))}


async def refuse_standing(
    work: Work[Tools], by: Maker, asked: AskedMandate, delegate: Personal, itself: UUID | None = None
) -> Refusal | None:
    """Nobody has two mandates for one service there; one that is in force, and ends, is renewed instead.

    Neither the one that is corrected, `itself`, nor the one that is renewed stands in the way.
    """
    besides = [mandate_id for mandate_id in (itself, asked.renews) if mandate_id is not None]
    standing = await storage.standing(
        work.connection, by.contact.organization_id, asked.subject, delegate, work.today, besides
    )  # fmt: skip
    found = next((one for one in standing if any(same_mailbox(work, delegate.email, to) for to in one.emails)), None)
    if found is None:
        return None
    if found.is_open:
        return Refusal("mandate_waiting", next=Next("next_mandate", f"/v1/mandates/{found.request_id}"))
    if found.is_endless:
        return Refusal("mandate_without_end", next=Next("next_mandate_in_force", f"/v1/mandates/{found.request_id}"))
    return Refusal("already_mandated", next=Next("next_renewal", f"/v1/mandates/{found.request_id}/renewal"))


async def make(work: Work[Tools], by: Maker, asked: AskedMandate, wanted: Wanted, list_id: UUID | None) -> UUID:
    """Make a mandate that its sides have to sign. Returns its id."""
    mandates = work.tools.agency.mandates
    assert mandates is not None
    request_id = work.new_id()
    new = NewMandate(
        request_id, list_id, wanted.language, wanted.delegate.language, work.new_id(), by.account_id,
        by.contact.contact_id, work.new_id(),
    )  # fmt: skip
    last_day = work.today + timedelta(days=mandates.signing_days)
    ask = Ask(
        request_id, "mandate", asked, by.contact, organization_id=by.contact.organization_id, signed_until=last_day
    )  # fmt: skip
    await submit(work, ask)
    await storage.add(work.connection, new)
    await personal_fields.describe(work.connection, request_id, wanted.delegate)
    await personal_fields.describe(work.connection, new.professional_id, replace(by.mandating.personal, email=None))
    await personal_fields.describe(work.connection, new.delegate_id, replace(wanted.delegate, email=None))
    return request_id


def _kept(refusal: Refusal) -> Mapping[str, Any]:
    """A refusal as the list keeps it: codes, counts, and names of the agency's data."""
    following = refusal.next
    return {
        "code": refusal.code,
        "parameters": dict(refusal.parameters),
        "fields": list(refusal.fields),
        "retry_after": refusal.retry_after,
        "next": {"code": following.code, "href": following.href} if following else None,
    }
