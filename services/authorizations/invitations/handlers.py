"""Inviting somebody by e-mail, and what an invitation's end does."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from chassis.outcomes import Next, Refusal
from chassis.work import Work
from contracts.events import Language
from services.authorizations.access.domain import AsProfile
from services.authorizations.access.handlers import may_manage
from services.authorizations.invitations import mails, storage
from services.authorizations.invitations.domain import AskedInvitation
from services.authorizations.mailing.budgets import refuse_mail
from services.authorizations.managing.questions import who_can_act
from services.authorizations.organizations import storage as organizations
from services.authorizations.periods import Period
from services.authorizations.personal import storage as personal_fields
from services.authorizations.personal.domain import Personal
from services.authorizations.personal.storage import descriptions
from services.authorizations.relations import domain as rules
from services.authorizations.relations.domain import Grant
from services.authorizations.request_tokens import storage as request_tokens
from services.authorizations.requests import telling
from services.authorizations.requests.domain import Decision, Request, Told
from services.authorizations.requests.submitting import Ask, submit
from services.authorizations.statuses import is_active
from services.authorizations.tools import Tools


@dataclass(frozen=True)
class Invite:
    """Whoever has this address shall become a contact of the organization."""

    by: AsProfile
    organization_id: UUID
    email: str = field(repr=False)
    name: str = field(repr=False)
    written_in: Language
    type: str
    period: Period
    grants: Sequence[Grant]
    language: Language


async def invite(work: Work[Tools], command: Invite) -> UUID | Refusal:
    """Send an invitation, which waits until it is accepted, withdrawn or lapsed. Returns the request's id."""
    organization_id, agency, today = command.organization_id, work.tools.agency, work.today
    await organizations.lock(work.connection, [organization_id])
    work.take_time()
    acting = await may_manage(work, command.by, organization_id)
    if isinstance(acting, Refusal):
        return acting
    if not agency.managing.invitations:
        return Refusal("not_offered")
    kind = (await organizations.one(work.connection, organization_id)).kind
    refusal = (
        rules.refuse_period(command.period, today)
        or rules.refuse_membership_type(agency, command.type, kind, today)
        or rules.refuse_subjects(agency, kind, command.grants, today, command.language, delegated=False)
    )
    if refusal:
        return refusal
    if known := await storage.member(work.connection, organization_id, command.email):
        following = Next("add_to_known_contact", f"/v1/contacts/{known}/relations")
        return Refusal("already_a_contact", fields=("email",), next=following)
    if await storage.is_kept_out(work.connection, organization_id, command.email):
        return Refusal("contact_blocked", fields=("email",))
    if await storage.is_invited(work.connection, organization_id, command.email, today):
        return Refusal("already_invited", fields=("email",))
    if refusal := await refuse_mail(work, command.by, organization_id, command.email):
        return refusal
    request_id = work.new_id()
    invited = Personal("", command.name, command.email, [], command.written_in)
    await personal_fields.describe(work.connection, request_id, invited)
    asked = AskedInvitation(
        type=command.type,
        starts_on=command.period.starts_on,
        ends_on=command.period.ends_on,
        grants=AskedInvitation.rights(command.grants),
    )
    return await submit(
        work, Ask(request_id, "invitation", asked, acting, organization_id=organization_id), mails.invite
    )  # fmt: skip


async def tell(work: Work[Tools], request: Request, outcome: Told, reason: str | None) -> None:
    """Whoever invited is told how it ended; no mail leads to it any more."""
    await request_tokens.forget(work.connection, request.request_id)
    await telling.tell_both_sides(work, request, outcome, reason)


async def remind(work: Work[Tools], request: Request, days: int) -> None:
    """Remind whom it invites so many days before the last one, unless it could not be accepted today."""
    person = (await descriptions(work.connection, [request.request_id])).get(request.request_id)
    organization_id = request.organization_id
    assert organization_id is not None
    if person is None or person.email is None or not await is_active(work.connection, organization_id):
        return
    if await storage.member(work.connection, organization_id, person.email):
        return
    if await storage.is_kept_out(work.connection, organization_id, person.email):
        return
    if await is_upheld(work, request):
        await mails.invite(work, request, days)


async def is_upheld(work: Work[Tools], request: Request) -> bool:
    """Whether whoever sent an invitation can still act for the organization: it is as good as that person."""
    assert request.organization_id is not None
    managers = await who_can_act(work, request.organization_id)
    return request.asked_by_contact_id in {manager.contact_id for manager in managers}


async def nobody_decides(work: Work[Tools], request: Request, decision: Decision) -> Refusal | None:
    """An invitation is accepted by whom it invites, and decided by nobody."""
    del work, request, decision
    return Refusal("outcome_not_possible", {"outcomes": ""}, ("outcome",))
