"""Who is told of a request, and what of it each may know: events, mails and audit rows of one step."""

from collections.abc import Mapping
from uuid import UUID

from chassis.work import Work
from services.authorizations.contacts import storage as contacts
from services.authorizations.contacts.domain import ContactFile
from services.authorizations.managing.questions import who_can_act
from services.authorizations.organizations import storage as organizations
from services.authorizations.organizations.storage import OrganizationRow
from services.authorizations.requests import mails
from services.authorizations.requests.domain import Request, Told
from services.authorizations.tools import Tools


async def tell_deciders(work: Work[Tools], request: Request, reminder: int | None = None) -> None:
    """Ask those who manage the organization acted for, where it is theirs to decide; or so many days before the end."""
    if request.decider != "organization" or request.organization_id is None:
        return
    named = await _named(work, request)
    asking = named.get(request.asked_by_organization_id) if request.asked_by_organization_id else None
    for reader in await who_can_act(work, request.organization_id):
        organization = named[request.organization_id]
        await mails.received(work, request, reader, organization, asking.legal_name if asking else "", reminder)


async def tell_both_sides(
    work: Work[Tools], request: Request, outcome: Told, reason: str | None, besides: UUID | None = None
) -> None:
    """How it ended, or that it came back. Who only gave a number learns the name behind it by an approval alone.

    A contact `besides` is told in other words.
    """
    named = await _named(work, request)
    theirs, ours = request.organization_id, request.asked_by_organization_id
    if ours is not None:
        concerning = ""
        if request.other is not None and outcome != "approve":
            concerning = request.other.number
        elif theirs is not None and theirs != ours:
            concerning = named[theirs].legal_name
        for reader in await _askers(work, request, ours):
            await mails.decided(work, request, outcome, reason, reader, named[ours], concerning)
    knows = request.decider == "organization" or outcome in ("approve", "merge")
    if theirs is not None and theirs != ours and knows and outcome != "return":
        concerning = named[ours].legal_name if ours is not None else ""
        for reader in [manager for manager in await who_can_act(work, theirs) if manager.contact_id != besides]:
            await mails.decided(work, request, outcome, reason, reader, named[theirs], concerning)


def audit(work: Work[Tools], action: str, request: Request, *, by_others: bool = False, **detail: str) -> None:
    """A row in the file of each organization concerned.

    What `by_others` was done with a blind request is kept from the file of whoever asked: it would show, and name,
    somebody behind a number that may have been guessed.
    """
    sides = {request.organization_id}
    if not (by_others and request.is_blind):
        sides.add(request.asked_by_organization_id)
    for organization_id in (sides - {None}) or {None}:
        work.audit(action, organization_id=organization_id, object_id=request.request_id, kind=request.kind, **detail)


async def _named(work: Work[Tools], request: Request) -> Mapping[UUID, OrganizationRow]:
    ids = [i for i in (request.organization_id, request.asked_by_organization_id) if i is not None]
    return await organizations.get(work.connection, ids)


async def _askers(work: Work[Tools], request: Request, organization_id: UUID) -> list[ContactFile]:
    """Whoever asked, while that person is still there; else those who manage the organization now."""
    if request.asked_by_contact_id is not None:
        functions = tuple(work.tools.agency.relation_types)
        present = await contacts.with_functions(work.connection, work.now, work.today, organization_id, functions)
        if asker := [contact for contact in present if contact.contact_id == request.asked_by_contact_id]:
            return asker
    return await who_can_act(work, organization_id)
