"""The mail that invites, and reminds: its one call to action carries a token, the newest of which leads there."""

from dataclasses import replace
from datetime import datetime, time, timedelta

from chassis.work import Work
from contracts.notifications import InvitationMail
from services.authorizations import mailing
from services.authorizations.contacts import storage as contacts
from services.authorizations.invitations.domain import AskedInvitation
from services.authorizations.organizations import storage as organizations
from services.authorizations.personal.storage import descriptions
from services.authorizations.request_tokens import handlers as request_tokens
from services.authorizations.requests.domain import Request
from services.authorizations.tools import Tools


async def invite(work: Work[Tools], request: Request, reminder: int | None = None) -> None:
    """Invite, or remind so many days before the last one: with a token of its own, because digests alone rest.

    It leads to where whoever invites began: whom it invites has begun nowhere yet.
    """
    assert request.organization_id is not None and request.asked_by_contact_id is not None
    person = (await descriptions(work.connection, [request.request_id])).get(request.request_id)
    if person is None or person.email is None:
        return
    asked = AskedInvitation.model_validate(request.asked)
    organization = await organizations.one(work.connection, request.organization_id)
    inviter = await contacts.get(work.connection, request.asked_by_contact_id)
    reader = replace(person, portal=inviter.portal if inviter else None)
    token = await request_tokens.draw(work, request.request_id, "invited")
    over = datetime.combine(request.lapses_on + timedelta(days=1), time(), work.tools.time_zone)
    await mailing.tell(
        work, InvitationMail, mailing.to(request.request_id, reader), organization, bound="refused_beyond",
        once=f"invitation:{request.request_id}:{reminder or ''}", keeps=over - work.now, token=token,
        function=asked.type, given=tuple(grant.subject for grant in asked.grants), lapses_on=request.lapses_on,
    )  # fmt: skip
